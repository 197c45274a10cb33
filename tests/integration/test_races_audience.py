"""Many people and jobs at the same moment, each with a connection of its own: what must happen once happens once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience import answering, confirmation, signup, signup_form, subscriber, subscription, unsubscribe
from listkeeper.audience.answering import CODE_TRIES, Answer
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.signup import Signup, Visit
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.unsubscribe import Leaving
from listkeeper.foundation import keys, signing, throttle
from listkeeper.foundation.errors import Forbidden
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.jobs import reactions
from listkeeper.sending import batch, claim, composing
from listkeeper.sending.batch import Question
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.handing_over.transport import Accepted, Reply
from tests.fakes.at_once import at_once, second_waits_for_first
from tests.fakes.databases import Database
from tests.makers import cafe, signups
from tests.makers.cafe import NO_BRAKES
from tests.makers.works import HER, SITE, here, writing

MANY = 20


@pytest.fixture
def house(app: Flask, database: Database) -> int:
    """A café with nobody on its list; returns the number of the list."""
    with app.app_context(), store.transaction() as session:
        return cafe.found(session).mailing_list.id


def _asked(app: Flask) -> tuple[str, str, str]:
    """Put a question to her; return the button's token, the page's secret and the code."""
    with writing(app) as session:
        row, receipt = signups.post(session, here(session), HER)
        signup.decide(session, row.id, NO_BRAKES)
        question = signups.question(session, row)
        assert question is not None
        return confirmation.token_of(question), receipt.visit, confirmation.code_of(question)


def _events(app: Flask) -> Counter[EventKind]:
    with writing(app) as session:
        return Counter(session.scalars(select(ConsentEvent.kind)))


# Confirming and leaving


@pytest.mark.usefixtures("house")
def test_a_yes_while_the_mail_that_asked_is_written_down_as_taken(app: Flask) -> None:
    """Who answers within the moment of delivery must not be told to try again: both writers hold her first."""
    token, _visit, _code = _asked(app)
    with app.app_context():
        reactions.react(Lane.URGENT, time.monotonic() + 60)
    with writing(app) as session:
        ids = claim.lease(session, Lane.URGENT, "host:1:0", 1)
        write = composing.preparer(SITE)
        assert len(batch.hand_out(session, ids, "host:1:0", prepare=write, carries_smtputf8=False)) == 1

    def press(inside: threading.Event) -> None:
        with writing(app) as session:
            asked = session.scalars(select(Confirmation)).one()
            subscriber.hold(session, asked.subscriber_id)
            asked.used_at = None
            asked.code_tries += 1
            session.flush()
            inside.set()
            time.sleep(0.5)
            assert answering.confirm(session, token).answer is Answer.CONFIRMED

    def record() -> None:
        with writing(app) as session:
            mail = Question(b"From: hello@cafe.example", {"language": "en", "subject": "Was it you?"})
            said = dict.fromkeys(ids, Accepted(Reply(250, "2.0.0 ok")))
            batch.record(session, said, dict.fromkeys(ids, mail), worker="host:1:0")

    second_waits_for_first(press, record)
    with writing(app) as session:
        asked = session.scalars(select(Confirmation)).one()
        assert asked.used_at is not None
        assert asked.accepted_at is not None


@pytest.mark.usefixtures("house")
def test_a_button_pressed_by_many_at_once_is_one_yes(app: Flask) -> None:
    token, _visit, _code = _asked(app)

    def press(_number: int) -> Answer:
        with writing(app) as session:
            return answering.confirm(session, token).answer

    assert Counter(at_once(MANY, press)) == {Answer.CONFIRMED: 1, Answer.ALREADY_CONFIRMED: MANY - 1}
    assert _events(app) == {EventKind.REQUESTED: 1, EventKind.GIVEN: 1}


@pytest.mark.usefixtures("house")
def test_guesses_at_once_are_all_counted(app: Flask) -> None:
    _token, visit, code = _asked(app)

    def guess(number: int) -> Answer:
        with writing(app) as session:
            # Each one another code: with five tries, a stranger finds one of twenty at most by luck.
            return answering.confirm_by_code(session, visit, f"{(int(code) + 1 + number) % 1_000_000:06d}").answer

    assert Counter(at_once(MANY, guess)) == {Answer.WRONG_CODE: MANY}
    with writing(app) as session:
        assert session.scalars(select(Confirmation.code_tries)).one() == CODE_TRIES
        assert answering.confirm_by_code(session, visit, code).answer is Answer.WRONG_CODE


@pytest.mark.usefixtures("house")
def test_the_right_code_at_once_is_one_yes(app: Flask) -> None:
    _token, visit, code = _asked(app)

    def type_it(_number: int) -> Answer:
        with writing(app) as session:
            return answering.confirm_by_code(session, visit, code).answer

    answers = Counter(at_once(MANY, type_it))
    assert answers[Answer.CONFIRMED] == 1
    assert answers[Answer.CONFIRMED] + answers[Answer.ALREADY_CONFIRMED] == CODE_TRIES
    assert _events(app)[EventKind.GIVEN] == 1


@pytest.mark.usefixtures("house")
def test_not_me_by_many_at_once_is_one_no(app: Flask) -> None:
    token, _visit, _code = _asked(app)

    def refuse(_number: int) -> Answer:
        with writing(app) as session:
            return answering.refuse(session, token).answer

    assert set(at_once(10, refuse)) == {Answer.REFUSED}
    assert _events(app) == {EventKind.REQUESTED: 1, EventKind.REFUSED: 1}


def test_yes_and_no_at_once_are_one_of_the_two(app: Flask, house: int) -> None:
    token, _visit, _code = _asked(app)

    def answer(number: int) -> Answer:
        with writing(app) as session:
            verb = answering.confirm if number % 2 else answering.refuse
            return verb(session, token).answer

    at_once(8, answer)
    events = _events(app)
    with writing(app) as session:
        current = subscription.of(session, session.scalars(select(Subscriber.id)).one(), house)
        assert current is not None
        yes = current.state is SubscriptionState.CONFIRMED
    assert (events[EventKind.GIVEN], events[EventKind.REFUSED]) == ((1, 0) if yes else (0, 1))


def test_leaving_by_many_at_once_is_one_leave(app: Flask, house: int) -> None:
    with writing(app) as session:
        person = cafe.subscribe(session, here(session), HER).id

    def leave(_number: int) -> Leaving:
        with writing(app) as session:
            return unsubscribe.leave(session, person, house, Method.ONE_CLICK).leaving

    assert Counter(at_once(MANY, leave)) == {Leaving.LEFT: 1, Leaving.HAD_LEFT: MANY - 1}
    assert _events(app)[EventKind.WITHDRAWN] == 1


def test_an_undo_by_many_at_once_is_one_undo(app: Flask, house: int) -> None:
    with writing(app) as session:
        person = cafe.subscribe(session, here(session), HER).id
        left = unsubscribe.leave(session, person, house, Method.ONE_CLICK)

    def undo(_number: int) -> bool:
        assert left.undo is not None
        with writing(app) as session:
            return unsubscribe.undo(session, left.undo)

    assert Counter(at_once(MANY, undo)) == {True: 1, False: MANY - 1}
    assert _events(app)[EventKind.GIVEN] == 2


# Signing up


@pytest.mark.usefixtures("house")
def test_one_post_sent_many_times_is_one_signup(app: Flask) -> None:
    def post(_number: int) -> str:
        with writing(app) as session:
            shown = signup_form.shown(session, here(session).form.slug)
            return signup.receive(session, shown, HER, Visit("192.0.2.1", idempotency_key="one"), NO_BRAKES).visit

    assert len(set(at_once(10, post))) == 1
    with writing(app) as session:
        (row,) = session.scalars(select(Signup))
        assert session.scalars(select(Fact.subject_id)).all() == [row.id]


@pytest.mark.usefixtures("house")
def test_spellings_of_one_mailbox_judged_at_once_get_one_mail(app: Flask) -> None:
    """The brake holds under every interleaving, not only one after another."""
    with writing(app) as session:
        spellings = [f"{'.'.join('frejaholm'[:cut])}{'frejaholm'[cut:]}+{cut}@gmail.com" for cut in range(1, 9)]
        rows = [signups.post(session, here(session), typed)[0].id for typed in (*spellings, HER, HER.upper())]

    def decide(number: int) -> None:
        with writing(app) as session:
            signup.decide(session, rows[number], signups.LIMITS)

    at_once(len(rows), decide)
    with writing(app) as session:
        assert signups.mails(session) == 2
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 2


@pytest.mark.usefixtures("house")
def test_workers_that_react_at_once_ask_everybody_once(app: Flask) -> None:
    with writing(app) as session:
        for number in range(30):
            signups.post(session, here(session), f"guest-{number}@guest.example")

    def react(_number: int) -> None:
        with app.app_context():
            reactions.react(Lane.URGENT, time.monotonic() + 60)

    at_once(4, react)
    with writing(app) as session:
        assert signups.mails(session) == 30
        assert session.scalar(select(func.count()).select_from(Delivery)) == 30
        assert session.scalar(select(func.count()).where(Fact.reacted_at.is_(None))) == 0
        assert session.scalar(select(func.max(Fact.tries))) == 0


@pytest.mark.usefixtures("house")
def test_a_brake_counts_everybody_who_comes_at_once(app: Flask) -> None:
    def use(_number: int) -> bool:
        with writing(app) as session:
            return throttle.allow(session, "test", "one", 7, timedelta(hours=1))

    assert Counter(at_once(MANY, use)) == {True: 7, False: MANY - 7}


# Keys and links


@pytest.mark.usefixtures("house")
def test_a_sign_in_link_used_by_many_at_once_signs_in_once(app: Flask) -> None:
    with writing(app) as session:
        token = sign_in_link.make(session, user.first(session))

    def use(_number: int) -> bool:
        try:
            with writing(app) as session:
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
