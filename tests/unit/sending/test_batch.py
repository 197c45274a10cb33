"""A worker's batch: leased by one, handed out at most 32 at once, every answer recorded as what it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import permission, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Reason
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid, ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, delivery, planning, recovery, steering
from listkeeper.sending.batch import WINDOW
from listkeeper.sending.claim import LEASE
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected, Reply
from listkeeper.sending.prepared import HANDED_LEASE, Prepared, Ready
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

SITE = "https://mail.cafe.example"
ME, OTHER = "here:1:1", "there:2:2"
OK = Accepted(Reply(250, "2.0.0 kept"))
LATER = Deferred(Reply(451, "4.7.1 greylisted"))
NEVER = Rejected(Reply(550, "5.1.1 <freja@guest.example>: nobody"))
LOST = InDoubt("connection lost after the message to freja@guest.example")
S = DeliveryState


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with four people on its list."""
    made = cafe.found(session)
    crowd.gather(session, made, 4)
    return made


@pytest.fixture
def letter(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter on its way, at a moment that stands still."""
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site=SITE)
    session.commit()
    return made


def prepared(session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
    """Prepare a line of text for each row."""
    del session
    return {
        row.id: Prepared(
            "t", "hello@cafe.example", f"<{row.occasion}@cafe.example>", "newsletter", lambda to: to.encode()
        )
        for row in rows
    }


def _rows(session: Session) -> list[Delivery]:
    session.flush()
    session.expire_all()
    return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def _states(session: Session) -> list[DeliveryState]:
    return [row.state for row in _rows(session)]


def _lease(session: Session, worker: str = ME, limit: int = 100) -> list[int]:
    return claim.lease(session, Lane.SENDING, worker, limit)


def _hand_out(session: Session, ids: Sequence[int], worker: str = ME) -> list[Ready]:
    return batch.hand_out(session, ids, worker, prepare=prepared, carries_smtputf8=False)


def _handed(session: Session) -> list[int]:
    return [ready.delivery_id for ready in _hand_out(session, _lease(session))]


# Leasing


def test_a_lease_is_for_due_rows_of_its_lane_and_for_one_worker(session: Session, letter: Campaign) -> None:
    first = _lease(session, ME, 3)
    assert first == [row.id for row in _rows(session)[:3]]
    row = _rows(session)[0]
    assert (row.state, row.worker, row.lease_until) == (S.LEASED, ME, clock.now() + LEASE)
    assert claim.lease(session, Lane.URGENT, OTHER, 100) == []
    assert _lease(session, OTHER) == [_rows(session)[3].id]
    assert _lease(session, OTHER) == []
    assert not claim.anything_due(session, Lane.SENDING)


@pytest.mark.parametrize("state", [state for state in S if state not in delivery.WAITING])
def test_only_waiting_rows_are_leased(session: Session, letter: Campaign, state: DeliveryState) -> None:
    session.execute(update(Delivery).values(state=state))
    assert _lease(session) == []
    assert not claim.anything_due(session, Lane.SENDING)


def test_the_oldest_are_first_and_the_future_waits(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    rows = _rows(session)
    rows[0].due_at = clock.now() + timedelta(milliseconds=1)
    rows[3].due_at = clock.now() - timedelta(hours=1)
    rows[3].state = S.DEFERRED
    session.flush()
    assert _lease(session) == [rows[3].id, rows[1].id, rows[2].id]
    frozen_clock.shift(timedelta(milliseconds=1))
    assert claim.anything_due(session, Lane.SENDING)
    assert _lease(session) == [rows[0].id]


def test_what_is_given_back_waits_again_and_no_attempt_is_counted(session: Session, letter: Campaign) -> None:
    mine = _lease(session, ME, 2)
    theirs = _lease(session, OTHER)
    claim.give_back(session, [*mine, *theirs], ME, wait=timedelta(seconds=30))
    rows = _rows(session)
    assert [row.state for row in rows] == [S.QUEUED, S.QUEUED, S.LEASED, S.LEASED]
    assert [row.worker for row in rows] == [None, None, OTHER, OTHER]
    assert {(row.attempts, row.lease_until, row.due_at) for row in rows[:2]} == {
        (0, None, clock.now() + timedelta(seconds=30))
    }


def test_what_is_handed_is_not_given_back(session: Session, letter: Campaign) -> None:
    ids = _handed(session)
    claim.give_back(session, ids, ME)
    assert set(_states(session)) == {S.HANDED}


# Handing out


def test_a_row_is_marked_in_the_transaction_of_its_grant(session: Session, letter: Campaign) -> None:
    ready = _hand_out(session, _lease(session))
    rows = _rows(session)
    assert [one.delivery_id for one in ready] == [row.id for row in rows]
    for row, one in zip(rows, ready, strict=True):
        assert (row.state, row.worker, row.attempts) == (S.HANDED, ME, 1)
        assert (row.handed_at, row.lease_until) == (clock.now(), clock.now() + HANDED_LEASE)
        assert row.message_id == f"<{row.occasion}@cafe.example>"
        assert row.gate_rule_version == permission.RULE_VERSION
        assert row.grant_event_id == one.grant.event_id is not None
        assert one.grant.open(row.id, "t") == f"person-{row.subscriber_id}@crowd.example"


def test_thirty_two_at_most_are_under_way() -> None:
    assert WINDOW == 32
    with pytest.raises(ValueError, match="32"):
        batch.hand_out(None, range(33), ME, prepare=prepared, carries_smtputf8=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [state for state in S if state is not S.LEASED])
def test_only_rows_this_worker_has_leased_are_handed_out(
    session: Session, letter: Campaign, state: DeliveryState
) -> None:
    ids = _lease(session)
    session.execute(update(Delivery).where(Delivery.id == ids[0]).values(state=state))
    session.execute(update(Delivery).where(Delivery.id == ids[1]).values(worker=OTHER))
    assert [one.delivery_id for one in _hand_out(session, ids)] == ids[2:]
    assert _states(session)[:2] == [state, S.LEASED]


def test_a_message_that_cannot_be_written_fails_alone(session: Session, letter: Campaign) -> None:
    def poisoned(session: Session, rows: Sequence[Delivery]) -> dict[int, Prepared | ListkeeperError]:
        found = prepared(session, rows)
        found[rows[1].id] = Invalid("merge_tag", "Dear freja@guest.example has no end.")
        return found

    ready = batch.hand_out(session, _lease(session), ME, prepare=poisoned, carries_smtputf8=False)
    assert len(ready) == 3
    rows = _rows(session)
    assert [row.state for row in rows] == [S.HANDED, S.FAILED, S.HANDED, S.HANDED]
    assert (rows[1].reply_text, rows[1].attempts) == ("Dear <address> has no end.", 0)
    assert (rows[1].worker, rows[1].settled_at) == (None, clock.now())


def test_who_left_since_the_plan_is_refused_at_the_last_moment(session: Session, house: Cafe, letter: Campaign) -> None:
    ids = _lease(session)
    people = [row.subscriber_id for row in _rows(session)]
    assert people[0] is not None
    unsubscribe.leave(session, people[0], house.mailing_list.id, Method.ONE_CLICK)
    key = session.get_one(Subscriber, people[1]).suppression_key
    suppression.add(session, house.organisation.id, key, scope=suppression.ALL, reason=Reason.OBJECTION)
    assert [one.delivery_id for one in _hand_out(session, ids)] == ids[2:]
    rows = _rows(session)
    assert [row.state for row in rows] == [S.REFUSED, S.REFUSED, S.HANDED, S.HANDED]
    assert [row.refusal_code for row in rows[:2]] == [RefusalCode.WITHDRAWN, RefusalCode.SUPPRESSED]
    assert {(row.attempts, row.message_id, row.handed_at, row.worker) for row in rows[:2]} == {(0, None, None, None)}


# Recording


def _after(session: Session, outcome: Outcome | None) -> Delivery:
    ids = _handed(session)
    batch.record(session, {ids[0]: outcome}, worker=ME)
    rows = _rows(session)
    assert {row.state for row in rows[1:]} == {S.HANDED}
    return rows[0]


@pytest.mark.parametrize(
    ("outcome", "state", "code", "text"),
    [
        (OK, S.ACCEPTED, 250, "2.0.0 kept"),
        (NEVER, S.FAILED, 550, "5.1.1 <<address>>: nobody"),
        (LOST, S.IN_DOUBT, None, "connection lost after the message to <address>"),
    ],
)
def test_an_answer_settles_a_row(
    session: Session, letter: Campaign, outcome: Outcome, state: DeliveryState, code: int | None, *, text: str
) -> None:
    row = _after(session, outcome)
    assert (row.state, row.reply_code, row.reply_text) == (state, code, text)
    assert row.reply_class == (ReplyClass.INVALID_ADDRESS if outcome is NEVER else None)
    assert (row.worker, row.lease_until, row.settled_at, row.attempts) == (None, None, clock.now(), 1)


def test_not_now_waits_and_is_tried_again(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    row = _after(session, LATER)
    assert (row.state, row.reply_code, row.worker, row.settled_at) == (S.DEFERRED, 451, None, None)
    assert row.reply_class is ReplyClass.TEMPORARY
    # Greylisted: whoever comes back within five minutes begins anew.
    assert timedelta(minutes=5) <= row.due_at - clock.now() <= timedelta(minutes=7.2)
    assert _lease(session) == []
    frozen_clock.shift(timedelta(minutes=7.2))
    assert _lease(session) == [row.id]
    _hand_out(session, [row.id])
    batch.record(session, {row.id: OK}, worker=ME)
    assert (_rows(session)[0].state, _rows(session)[0].attempts) == (S.ACCEPTED, 2)
    assert _rows(session)[0].reply_class is None


def _put_off_again(session: Session, number: int, *, tries: int) -> None:
    """Let a row be tried and put off, so many times."""
    for _ in range(tries):
        session.execute(update(Delivery).where(Delivery.id == number).values(due_at=clock.now() - timedelta(days=99)))
        assert _lease(session, limit=1) == [number]
        _hand_out(session, [number])
        batch.record(session, {number: LATER}, worker=ME)


def test_not_now_for_three_days_is_never_counted_from_the_first_try(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    # A long pause before anybody tried it is no fault of the receiver.
    frozen_clock.shift(timedelta(hours=100))
    number = _rows(session)[0].id
    _put_off_again(session, number, tries=4)
    assert _rows(session)[0].first_tried_at == clock.now()
    frozen_clock.shift(timedelta(hours=72))
    _put_off_again(session, number, tries=1)
    assert _states(session)[0] is S.DEFERRED
    frozen_clock.shift(timedelta(milliseconds=1))
    _put_off_again(session, number, tries=1)
    assert (_states(session)[0], _rows(session)[0].reply_code) == (S.FAILED, 451)


def test_who_was_tried_a_few_times_only_is_tried_on(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    number = _rows(session)[0].id
    _put_off_again(session, number, tries=1)
    # Paused for a week after the first try.
    frozen_clock.shift(timedelta(hours=168))
    _put_off_again(session, number, tries=2)
    assert _states(session)[0] is S.DEFERRED
    _put_off_again(session, number, tries=1)
    assert _states(session)[0] is S.FAILED


def test_a_hand_over_that_did_not_begin_waits_again_at_once(session: Session, letter: Campaign) -> None:
    row = _after(session, None)
    assert (row.state, row.attempts, row.worker, row.handed_at, row.lease_until) == (S.QUEUED, 0, None, None, None)
    assert _lease(session) == [row.id]


@pytest.mark.parametrize(
    ("outcome", "state"), [(OK, S.ACCEPTED), (NEVER, S.FAILED), (LATER, S.QUEUED), (LOST, S.IN_DOUBT), (None, S.QUEUED)]
)
def test_the_true_answer_counts_though_the_row_was_called_in_doubt(
    session: Session, letter: Campaign, outcome: Outcome | None, state: DeliveryState
) -> None:
    """A slow server outlived the lease: another process put the row in doubt, and now the answer is here."""
    ids = _handed(session)
    session.execute(update(Delivery).values(lease_until=clock.now() - timedelta(seconds=1)))
    assert recovery.settle_left_behind(session, lambda _worker: False) == (0, 4)
    batch.record(session, {ids[0]: outcome, ids[1]: outcome, ids[2]: OK}, worker=ME)
    rows = _rows(session)
    assert [row.state for row in rows] == [state, state, S.ACCEPTED, S.IN_DOUBT]
    assert (rows[0].settled_at is None) == (state is S.QUEUED)
    if outcome is LATER:
        assert rows[0].due_at > clock.now()


def test_a_doubt_that_turns_out_too_late_fails(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    ids = _handed(session)
    session.execute(update(Delivery).values(attempts=4))
    frozen_clock.shift(timedelta(days=4))
    recovery.settle_left_behind(session, lambda _worker: False)
    batch.record(session, {ids[0]: LATER, ids[1]: OK}, worker=ME)
    assert _states(session)[:2] == [S.FAILED, S.ACCEPTED]


@pytest.mark.parametrize("state", [state for state in S if state not in {S.HANDED, S.IN_DOUBT}])
def test_an_answer_for_a_row_that_is_not_under_way_changes_nothing(
    session: Session, letter: Campaign, state: DeliveryState
) -> None:
    ids = _handed(session)
    session.execute(update(Delivery).where(Delivery.id == ids[0]).values(state=state))
    for outcome in (OK, LATER, NEVER, LOST, None):
        batch.record(session, {ids[0]: outcome}, worker=ME)
    assert _states(session)[0] is state


def test_an_answer_is_kept_as_long_as_there_is_room(session: Session, letter: Campaign) -> None:
    row = _after(session, Rejected(Reply(554, "5.7.1 " + "x" * 2_000)))
    assert row.reply_text is not None
    assert len(row.reply_text) == 500


# Cancelling in the middle


def _cancelled(session: Session, letter: Campaign, then: Callable[[], object] = lambda: None) -> int:
    stopped = steering.cancel(session, letter)
    then()
    session.flush()
    return stopped


def test_a_cancel_keeps_home_what_waits_and_what_is_leased(session: Session, letter: Campaign) -> None:
    ids = _lease(session, ME, 3)
    _hand_out(session, ids[:1])
    rows = _rows(session)
    rows[1].state = S.DEFERRED
    assert _cancelled(session, letter) == 3
    assert _states(session) == [S.HANDED, S.CANCELLED, S.CANCELLED, S.CANCELLED]
    assert letter.state is CampaignState.CANCELLED
    assert _hand_out(session, ids) == []
    claim.give_back(session, ids, ME)
    assert _lease(session) == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(OK, S.ACCEPTED), (NEVER, S.FAILED), (LOST, S.IN_DOUBT), (LATER, S.CANCELLED), (None, S.CANCELLED)],
)
def test_what_is_under_way_ends_as_it_ends_but_is_not_tried_again(
    session: Session, letter: Campaign, outcome: Outcome | None, state: DeliveryState
) -> None:
    ids = _handed(session)
    assert _cancelled(session, letter) == 0
    batch.record(session, dict.fromkeys(ids, outcome), worker=ME)
    assert set(_states(session)) == {state}
    assert not claim.anything_due(session, Lane.SENDING)
