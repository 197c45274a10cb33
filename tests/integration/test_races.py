"""Many at the same moment, each with a connection of its own, on both databases: what must happen once happens once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, sign_in_link, user
from listkeeper.audience import confirmation, signup, signup_form, subscription, unsubscribe
from listkeeper.audience.confirmation import CODE_TRIES, Answer, Confirmation
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.permission import RefusalCode
from listkeeper.audience.signup import Signup, Visit
from listkeeper.audience.signup_form import SignupForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.unsubscribe import Leaving
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.foundation import keys, signing, throttle
from listkeeper.foundation.errors import Conflict, Forbidden
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.jobs import reactions
from listkeeper.sending import batch, planning, progress
from listkeeper.sending.batch import Prepared
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import cafe, crowd, signups
from tests.makers.cafe import NO_BRAKES, Cafe

MANY = 20
SITE = "http://localhost:8025"
HER = "freja@guest.example"


@pytest.fixture
def house(app: Flask, database: Database) -> int:
    """A café with nobody on its list; returns the number of the list."""
    with app.app_context(), store.transaction() as session:
        return cafe.found(session).mailing_list.id


@contextmanager
def _writing(app: Flask) -> Iterator[Session]:
    with app.app_context(), store.transaction() as session:
        yield session


def _here(session: Session) -> Cafe:
    form = session.scalars(select(SignupForm)).one()
    return Cafe(organisation.only_one(session), user.first(session), form.mailing_list, form)


def _asked(app: Flask) -> tuple[str, str, str]:
    """Put a question to her; return the button's token, the page's secret and the code."""
    with _writing(app) as session:
        row, receipt = signups.post(session, _here(session), HER)
        signup.decide(session, row.id, NO_BRAKES)
        question = signups.question(session, row)
        assert question is not None
        return confirmation.token_of(question), receipt.visit, confirmation.code_of(question)


def _events(app: Flask) -> Counter[EventKind]:
    with _writing(app) as session:
        return Counter(session.scalars(select(ConsentEvent.kind)))


def _letter(app: Flask, people: int) -> int:
    with _writing(app) as session:
        crowd.gather(session, _here(session), people)
        return cafe.draft(session, _here(session)).id


def _start(app: Flask, letter: int) -> int:
    with _writing(app) as session:
        found = session.get_one(Campaign, letter)
        return planning.send_campaign(session, organisation.only_one(session), found, site=SITE)


# Confirming and leaving


@pytest.mark.usefixtures("house")
def test_a_button_pressed_by_many_at_once_is_one_yes(app: Flask) -> None:
    token, _visit, _code = _asked(app)

    def press(_number: int) -> Answer:
        with _writing(app) as session:
            return confirmation.confirm(session, token).answer

    assert Counter(at_once(MANY, press)) == {Answer.CONFIRMED: 1, Answer.ALREADY_CONFIRMED: MANY - 1}
    assert _events(app) == {EventKind.REQUESTED: 1, EventKind.GIVEN: 1}


@pytest.mark.usefixtures("house")
def test_guesses_at_once_are_all_counted(app: Flask) -> None:
    _token, visit, code = _asked(app)

    def guess(number: int) -> Answer:
        with _writing(app) as session:
            # Each one another code: with five tries, a stranger finds one of twenty at most by luck.
            return confirmation.confirm_by_code(session, visit, f"{(int(code) + 1 + number) % 1_000_000:06d}").answer

    assert Counter(at_once(MANY, guess)) == {Answer.WRONG_CODE: MANY}
    with _writing(app) as session:
        assert session.scalars(select(Confirmation.code_tries)).one() == CODE_TRIES
        assert confirmation.confirm_by_code(session, visit, code).answer is Answer.WRONG_CODE


@pytest.mark.usefixtures("house")
def test_the_right_code_at_once_is_one_yes(app: Flask) -> None:
    _token, visit, code = _asked(app)

    def type_it(_number: int) -> Answer:
        with _writing(app) as session:
            return confirmation.confirm_by_code(session, visit, code).answer

    answers = Counter(at_once(MANY, type_it))
    assert answers[Answer.CONFIRMED] == 1
    assert answers[Answer.CONFIRMED] + answers[Answer.ALREADY_CONFIRMED] == CODE_TRIES
    assert _events(app)[EventKind.GIVEN] == 1


@pytest.mark.usefixtures("house")
def test_not_me_by_many_at_once_is_one_no(app: Flask) -> None:
    token, _visit, _code = _asked(app)

    def refuse(_number: int) -> Answer:
        with _writing(app) as session:
            return confirmation.refuse(session, token).answer

    assert set(at_once(10, refuse)) == {Answer.REFUSED}
    assert _events(app) == {EventKind.REQUESTED: 1, EventKind.REFUSED: 1}


def test_yes_and_no_at_once_are_one_of_the_two(app: Flask, house: int) -> None:
    token, _visit, _code = _asked(app)

    def answer(number: int) -> Answer:
        with _writing(app) as session:
            verb = confirmation.confirm if number % 2 else confirmation.refuse
            return verb(session, token).answer

    at_once(8, answer)
    events = _events(app)
    with _writing(app) as session:
        current = subscription.of(session, session.scalars(select(Subscriber.id)).one(), house)
        assert current is not None
        yes = current.state is SubscriptionState.CONFIRMED
    assert (events[EventKind.GIVEN], events[EventKind.REFUSED]) == ((1, 0) if yes else (0, 1))


def test_leaving_by_many_at_once_is_one_leave(app: Flask, house: int) -> None:
    with _writing(app) as session:
        person = cafe.subscribe(session, _here(session), HER).id

    def leave(_number: int) -> Leaving:
        with _writing(app) as session:
            return unsubscribe.leave(session, person, house, Method.ONE_CLICK).leaving

    assert Counter(at_once(MANY, leave)) == {Leaving.LEFT: 1, Leaving.HAD_LEFT: MANY - 1}
    assert _events(app)[EventKind.WITHDRAWN] == 1


def test_an_undo_by_many_at_once_is_one_undo(app: Flask, house: int) -> None:
    with _writing(app) as session:
        person = cafe.subscribe(session, _here(session), HER).id
        left = unsubscribe.leave(session, person, house, Method.ONE_CLICK)

    def undo(_number: int) -> bool:
        assert left.undo is not None
        with _writing(app) as session:
            return unsubscribe.undo(session, left.undo)

    assert Counter(at_once(MANY, undo)) == {True: 1, False: MANY - 1}
    assert _events(app)[EventKind.GIVEN] == 2


# Signing up


@pytest.mark.usefixtures("house")
def test_one_post_sent_many_times_is_one_signup(app: Flask) -> None:
    def post(_number: int) -> str:
        with _writing(app) as session:
            shown = signup_form.shown(session, _here(session).form.slug)
            return signup.receive(session, shown, HER, Visit("192.0.2.1", idempotency_key="one"), NO_BRAKES).visit

    assert len(set(at_once(10, post))) == 1
    with _writing(app) as session:
        (row,) = session.scalars(select(Signup))
        assert session.scalars(select(Fact.subject_id)).all() == [row.id]


@pytest.mark.usefixtures("house")
def test_spellings_of_one_mailbox_judged_at_once_get_one_mail(app: Flask) -> None:
    """The brake holds under every interleaving, not only one after another."""
    with _writing(app) as session:
        spellings = [f"{'.'.join('frejaholm'[:cut])}{'frejaholm'[cut:]}+{cut}@gmail.com" for cut in range(1, 9)]
        rows = [signups.post(session, _here(session), typed)[0].id for typed in (*spellings, HER, HER.upper())]

    def decide(number: int) -> None:
        with _writing(app) as session:
            signup.decide(session, rows[number], signups.LIMITS)

    at_once(len(rows), decide)
    with _writing(app) as session:
        assert signups.mails(session) == 2
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 2


@pytest.mark.usefixtures("house")
def test_workers_that_react_at_once_ask_everybody_once(app: Flask) -> None:
    with _writing(app) as session:
        for number in range(30):
            signups.post(session, _here(session), f"guest-{number}@guest.example")

    def react(_number: int) -> None:
        with app.app_context():
            reactions.react(Lane.URGENT, time.monotonic() + 60)

    at_once(4, react)
    with _writing(app) as session:
        assert signups.mails(session) == 30
        assert session.scalar(select(func.count()).select_from(Delivery)) == 30
        assert session.scalar(select(func.count()).where(Fact.reacted_at.is_(None))) == 0
        assert session.scalar(select(func.max(Fact.tries))) == 0


@pytest.mark.usefixtures("house")
def test_a_brake_counts_everybody_who_comes_at_once(app: Flask) -> None:
    def use(_number: int) -> bool:
        with _writing(app) as session:
            return throttle.allow(session, "test", "one", 7, timedelta(hours=1))

    assert Counter(at_once(MANY, use)) == {True: 7, False: MANY - 7}


# Letters


@pytest.mark.usefixtures("house")
def test_a_letter_started_by_many_at_once_is_sent_once(app: Flask) -> None:
    letter = _letter(app, 50)

    def start(_number: int) -> int | str:
        try:
            return _start(app, letter)
        except Conflict as refused:
            return refused.code

    assert Counter(at_once(8, start)) == {50: 1, "campaign_state": 7}
    with _writing(app) as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 50
        assert session.scalar(select(func.count()).where(Fact.name == campaigns.STARTED)) == 1


@pytest.mark.usefixtures("house")
def test_two_who_save_at_once_are_told(app: Flask) -> None:
    letter = _letter(app, 1)

    def save(number: int) -> str:
        try:
            with _writing(app) as session:
                campaigns.write(session, session.get_one(Campaign, letter), Draft(f"{number}", "", "Words."), base=1)
        except Conflict as refused:
            return refused.code
        return "saved"

    assert Counter(at_once(6, save)) == {"saved": 1, "changed_elsewhere": 5}
    with _writing(app) as session:
        assert session.scalars(select(Revision.number).order_by(Revision.number)).all() == [1, 2]


@pytest.mark.usefixtures("house")
def test_who_saves_while_another_sends_is_told(app: Flask) -> None:
    for _ in range(5):
        letter = _letter_only(app)

        def act(number: int, letter: int = letter) -> str:
            try:
                if number:
                    return str(_start(app, letter))
                with _writing(app) as session:
                    campaigns.write(session, session.get_one(Campaign, letter), Draft("New", "", "Words."), base=1)
            except Conflict as refused:
                return refused.code
            return "saved"

        saved, _sent = at_once(2, act)
        with _writing(app) as session:
            found = session.get_one(Campaign, letter)
            sent = session.get_one(Revision, found.sent_revision_id).number
            # Whoever came first: what is sent is the newest there is, or the other was told that it is too late.
            assert (saved, sent) in {("saved", 2), ("not_a_draft", 1)}
            assert found.version == sent


def _letter_only(app: Flask) -> int:
    with _writing(app) as session:
        house = _here(session)
        if not session.scalar(select(func.count()).select_from(Subscriber)):
            cafe.subscribe(session, house, HER)
        return cafe.draft(session, house).id


# Sending


@pytest.mark.usefixtures("house")
def test_leases_of_workers_never_overlap(app: Flask) -> None:
    _start(app, _letter(app, 300))

    def work(number: int) -> list[int]:
        mine: list[int] = []
        while True:
            with _writing(app) as session:
                ids = batch.lease(session, Lane.SENDING, f"host:{number}:0", 7)
            if not ids:
                return mine
            mine += ids

    taken = at_once(6, work)
    assert sorted(number for ids in taken for number in ids) == list(range(1, 301))
    assert sum(bool(ids) for ids in taken) > 1, "one worker had it all, so nothing is proven"


def _prepared(_session: Session, rows: object) -> dict[int, Prepared]:
    return {
        row.id: Prepared("t", "hello@cafe.example", f"<{row.id}@cafe.example>", "newsletter", lambda to: to.encode())
        for row in rows  # type: ignore[attr-defined]
    }


def _hand_out(session: Session, ids: list[int]) -> int:
    return len(batch.hand_out(session, ids, "host:1:0", prepare=_prepared, carries_smtputf8=False))  # type: ignore[arg-type]


def _leased(app: Flask) -> tuple[list[int], int]:
    _start(app, _letter(app, 3))
    with _writing(app) as session:
        ids = batch.lease(session, Lane.SENDING, "host:1:0", 10)
        person = session.get_one(Delivery, ids[0]).subscriber_id
        assert person is not None
        return ids, person


def _second_waits_for_first(first: Callable[[threading.Event], None], second: Callable[[], None]) -> None:
    """Run both; the second begins while the first one's transaction is open, and must end after it."""
    inside, ends = threading.Event(), []

    def begin() -> None:
        first(inside)
        ends.append("first")

    def follow() -> None:
        inside.wait(20)
        second()
        ends.append("second")

    faults: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as fault:  # noqa: BLE001 - raised below
            faults.append(fault)
            inside.set()

    threads = [threading.Thread(target=run, args=(act,)) for act in (begin, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if faults:
        raise faults[0]
    assert ends == ["first", "second"]


def test_the_gate_waits_for_a_leave_that_is_being_committed(app: Flask, house: int) -> None:
    """Adversarial case 1: the leave is written but not committed when the gate looks."""
    ids, person = _leased(app)
    granted: list[int] = []

    def leave(inside: threading.Event) -> None:
        with _writing(app) as session:
            unsubscribe.leave(session, person, house, Method.ONE_CLICK)
            inside.set()
            time.sleep(0.5)

    def hand_out() -> None:
        with _writing(app) as session:
            granted.append(_hand_out(session, ids))

    _second_waits_for_first(leave, hand_out)
    assert granted == [2]
    with _writing(app) as session:
        row = session.get_one(Delivery, ids[0])
        assert (row.state, row.refusal_code) == (DeliveryState.REFUSED, RefusalCode.WITHDRAWN)


def test_a_leave_waits_for_a_hand_over_that_is_being_marked(app: Flask, house: int) -> None:
    """The other order: the letter was on its way first, and the row proves it."""
    ids, person = _leased(app)

    def hand_out(inside: threading.Event) -> None:
        with _writing(app) as session:
            assert _hand_out(session, ids) == 3
            inside.set()
            time.sleep(0.5)

    def leave() -> None:
        with _writing(app) as session:
            assert unsubscribe.leave(session, person, house, Method.ONE_CLICK).leaving is Leaving.LEFT

    _second_waits_for_first(hand_out, leave)
    with _writing(app) as session:
        row = session.get_one(Delivery, ids[0])
        withdrawn = session.scalars(select(ConsentEvent).where(ConsentEvent.kind == EventKind.WITHDRAWN)).one()
        assert row.state is DeliveryState.HANDED
        assert row.handed_at is not None
        assert row.handed_at < withdrawn.at
        assert row.grant_event_id is not None
        assert row.grant_event_id < withdrawn.id


@pytest.mark.parametrize("cancel_first", [True, False])
@pytest.mark.usefixtures("house")
def test_no_row_slips_back_into_a_queue_that_is_being_emptied(app: Flask, *, cancel_first: bool) -> None:
    ids, _person = _leased(app)
    with _writing(app) as session:
        _hand_out(session, ids)

    def cancel(inside: threading.Event | None = None) -> None:
        with _writing(app) as session:
            progress.cancel(session, session.scalars(select(Campaign)).one())
            _linger(inside)

    def record(inside: threading.Event | None = None) -> None:
        with _writing(app) as session:
            batch.record(session, dict.fromkeys(ids))
            _linger(inside)

    if cancel_first:
        _second_waits_for_first(cancel, record)
    else:
        _second_waits_for_first(record, cancel)
    with _writing(app) as session:
        assert session.scalars(select(Campaign.state)).one() is CampaignState.CANCELLED
        assert set(session.scalars(select(Delivery.state))) == {DeliveryState.CANCELLED}


def _linger(inside: threading.Event | None) -> None:
    if inside is not None:
        inside.set()
        time.sleep(0.5)


# Keys and links


@pytest.mark.usefixtures("house")
def test_a_sign_in_link_used_by_many_at_once_signs_in_once(app: Flask) -> None:
    with _writing(app) as session:
        token = sign_in_link.make(session, user.first(session))

    def use(_number: int) -> bool:
        try:
            with _writing(app) as session:
                sign_in_link.use(session, token)
        except Forbidden:
            return False
        return True

    assert Counter(at_once(10, use)) == {True: 1, False: 9}


def test_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    def start(_number: int) -> bytes:
        keys.open_folder(tmp_path / "keys")
        return (tmp_path / "keys" / "master-1.key").read_bytes()

    assert len(set(at_once(8, start))) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["master-1.key"]
    assert len(signing.token("unsubscribe", 1)) == 32
