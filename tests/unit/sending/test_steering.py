"""A letter under way is paused, goes on, is tried once more; what was or may have been taken is never sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns.campaign import UNSENT, Campaign, CampaignState
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import claim, letter_batch, planning, steering
from listkeeper.sending.delivery import TRANSITIONS, Delivery, DeliveryState
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe
from tests.unit.sending.test_batch import ME

S = DeliveryState
C = CampaignState
# A failure each, and whether a plain retry takes it: not where the address itself is wrong.
FAILURES = (
    (550, ReplyClass.INVALID_ADDRESS, False),
    (550, ReplyClass.INVALID_DOMAIN, False),
    # For three days there was no such domain: that may have been our resolver.
    (450, ReplyClass.INVALID_DOMAIN, True),
    (550, ReplyClass.POLICY, True),
    (554, ReplyClass.AUTH, True),
    (552, ReplyClass.MAILBOX_FULL, True),
    (451, ReplyClass.TEMPORARY, True),
    # The message could not be written.
    (None, None, True),
)


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with twelve people on its list."""
    made = cafe.found(session)
    crowd.gather(session, made, 12)
    return made


@pytest.fixture
def letter(session: Session, house: Cafe) -> Campaign:
    """A letter on its way."""
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site="https://mail.cafe.example")
    session.commit()
    return made


def _rows(session: Session) -> list[Delivery]:
    session.flush()
    session.expire_all()
    return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def test_a_paused_letter_stands_and_goes_on_where_it_stood(session: Session, letter: Campaign) -> None:
    before = [(row.state, row.due_at, row.attempts) for row in _rows(session)]
    steering.pause(session, letter)
    session.flush()
    assert claim.lease(session, Lane.SENDING, ME, 12) == []
    assert not claim.anything_due(session, Lane.SENDING)
    assert [(row.state, row.due_at, row.attempts) for row in _rows(session)] == before
    session.commit()
    outbox.rung_lanes(session)
    steering.resume(session, letter)
    # Nobody has to wait for the timetable.
    assert outbox.rung_lanes(session) == {Lane.SENDING}
    assert len(claim.lease(session, Lane.SENDING, ME, 12)) == 12


def test_a_pause_holds_from_the_next_window_on_also_for_what_a_worker_has(session: Session, letter: Campaign) -> None:
    ids = claim.lease(session, Lane.SENDING, ME, 12)
    assert letter_batch.take(session, dict.fromkeys(ids[:4], letter.id), ME) == ids[:4]
    steering.pause(session, letter)
    session.flush()
    assert letter_batch.take(session, dict.fromkeys(ids[4:], letter.id), ME) == []
    assert [row.state for row in _rows(session)] == [S.LEASED] * 4 + [S.QUEUED] * 8


@pytest.mark.parametrize("state", CampaignState)
def test_what_cannot_be_is_refused_and_changes_nothing(
    session: Session, letter: Campaign, state: CampaignState
) -> None:
    acts: dict[Callable[[Session, Campaign], object], set[CampaignState]] = {
        steering.pause: {C.SENDING},
        steering.resume: {C.PAUSED},
        steering.cancel: {C.SCHEDULED, C.HELD, C.SENDING, C.PAUSED},
        steering.retry: {C.SENDING, C.PAUSED, C.FINISHED},
    }
    for act, allowed in acts.items():
        letter.state = state
        session.commit()
        if state in allowed:
            act(session, letter)
        else:
            with pytest.raises(Conflict):
                act(session, letter)
            assert (letter.state, {row.state for row in _rows(session)}) == (state, {S.QUEUED})
        session.rollback()


def test_a_retry_takes_what_failed_and_nothing_that_was_or_may_have_been_taken(
    session: Session, letter: Campaign
) -> None:
    states = [state for state in S if state is not S.FAILED]
    for row, state in zip(_rows(session), [*states, S.FAILED, S.FAILED, S.FAILED], strict=True):
        row.state = state
    letter.state = C.FINISHED
    before = {row.id: row.state for row in _rows(session)}
    assert steering.retry(session, letter) == 3
    after = {row.id: row for row in _rows(session)}
    for number, state in before.items():
        assert after[number].state is (S.QUEUED if state is S.FAILED else state)
        assert (after[number].settled_at is None) or state is not S.FAILED
    assert letter.state is C.SENDING
    assert S.QUEUED in TRANSITIONS[S.FAILED]
    # Nothing failed any more: nothing is queued, and a letter that had arrived stays where it is.
    letter.state = C.FINISHED
    assert (steering.retry(session, letter), letter.state) == (0, C.FINISHED)


def test_whose_address_is_wrong_is_tried_again_only_when_the_owner_says_so(session: Session, letter: Campaign) -> None:
    def fail() -> list[Delivery]:
        rows = _rows(session)
        for row, (code, said, _again) in zip(rows, FAILURES, strict=False):
            row.state, row.reply_code, row.reply_class, row.settled_at = S.FAILED, code, said, clock.now()
        session.flush()
        return rows[: len(FAILURES)]

    fail()
    assert steering.failed_for_good(session, letter) == 2
    assert steering.retry(session, letter) == 6
    again = [row.state is S.QUEUED for row in _rows(session)[: len(FAILURES)]]
    assert again == [each for _code, _class, each in FAILURES]
    fail()
    assert steering.retry(session, letter, everybody=True) == len(FAILURES)
    fail()
    assert steering.retry(session, letter, typed=" Person-1@crowd.example") == 1
    assert _rows(session)[0].state is S.QUEUED
    with pytest.raises(NotFound):
        steering.retry(session, letter, typed="nobody@crowd.example")


def test_a_paused_letter_stays_paused_when_something_is_tried_again(session: Session, letter: Campaign) -> None:
    _rows(session)[0].state = S.FAILED
    steering.pause(session, letter)
    assert steering.retry(session, letter) == 1
    session.flush()
    assert letter.state is C.PAUSED
    assert claim.lease(session, Lane.SENDING, ME, 12) == []


def test_what_has_not_left_is_named_once() -> None:
    assert {C.DRAFT, C.SCHEDULED, C.HELD} == UNSENT
