"""Workers that were away: what they come back with counts for their own hand-overs alone, and locks nobody out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, planning, progress, recovery
from listkeeper.sending.claim import LEASE
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Outcome
from listkeeper.sending.prepared import HANDED_LEASE
from tests.makers import cafe, crowd
from tests.unit.sending.test_batch import LATER, LOST, NEVER, OK, prepared

ADA, BOB = "ada:1:1", "bob:2:2"
OUTCOMES = (OK, LATER, NEVER, LOST, None)
S = DeliveryState


@pytest.fixture
def letter(session: Session, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter to four people on its way, at a moment that stands still."""
    made = cafe.found(session)
    crowd.gather(session, made, 4)
    written = cafe.draft(session, made)
    planning.send_campaign(session, made.organisation, written, site="https://mail.cafe.example")
    session.commit()
    return written


def _handed(session: Session, worker: str) -> list[int]:
    ids = claim.lease(session, Lane.SENDING, worker, 100)
    return [row.delivery_id for row in batch.hand_out(session, ids, worker, prepare=prepared, carries_smtputf8=False)]


def _seen(session: Session) -> list[tuple[DeliveryState, str | None, int]]:
    session.flush()
    session.expire_all()
    rows = session.scalars(select(Delivery).order_by(Delivery.id))
    return [(row.state, row.worker, row.attempts) for row in rows]


@pytest.mark.parametrize("in_doubt", [False, True])
@pytest.mark.parametrize("again", OUTCOMES)
@pytest.mark.parametrize("told", [None, LATER])
def test_what_is_told_twice_takes_nothing_from_whoever_has_it_by_now(
    session: Session,
    letter: Campaign,
    frozen_clock: time_machine.Traveller,
    *,
    told: Outcome | None,
    again: Outcome,
    in_doubt: bool,
) -> None:
    """Its record was committed, and it never heard so: it tells again while another worker is at it, or was."""
    ids = _handed(session, ADA)
    batch.record(session, dict.fromkeys(ids, told), worker=ADA)
    frozen_clock.shift(timedelta(hours=1))
    assert _handed(session, BOB) == ids
    if in_doubt:
        recovery.settle_left_behind(session, lambda _worker: True)
    before = _seen(session)
    batch.record(session, dict.fromkeys(ids, again), worker=ADA)
    assert _seen(session) == before
    batch.record(session, dict.fromkeys(ids, OK), worker=BOB)
    assert {state for state, _, _ in _seen(session)} == {S.ACCEPTED}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_doubt_is_settled_by_the_answer_of_whoever_handed_it_over(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller, outcome: Outcome | None
) -> None:
    ids = _handed(session, ADA)
    frozen_clock.shift(HANDED_LEASE + timedelta(seconds=1))
    assert recovery.settle_left_behind(session, lambda _worker: False) == (0, 4)
    before = _seen(session)
    batch.record(session, dict.fromkeys(ids, outcome), worker=BOB)
    assert _seen(session) == before
    batch.record(session, dict.fromkeys(ids, outcome), worker=ADA)
    expected = {OK: S.ACCEPTED, LATER: S.QUEUED, NEVER: S.FAILED, LOST: S.IN_DOUBT, None: S.QUEUED}
    assert {state for state, _, _ in _seen(session)} == {expected[outcome]}


def test_a_finished_letter_goes_on_when_a_doubt_turns_out_not_to_have_left(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    ids = _handed(session, ADA)
    batch.record(session, dict.fromkeys(ids[:3], OK), worker=ADA)
    frozen_clock.shift(HANDED_LEASE + timedelta(seconds=1))
    recovery.settle_left_behind(session, lambda _worker: False)
    assert progress.finish_if_done(session) == [letter.id]
    assert recovery.let_go_on(session) == []
    batch.record(session, {ids[3]: None}, worker=ADA)
    assert recovery.let_go_on(session) == [letter.id]
    assert (letter.state, letter.finished_at) == (CampaignState.SENDING, None)
    assert progress.finish_if_done(session) == []
    with pytest.raises(Conflict):
        campaigns.start(session, letter)
    assert _handed(session, BOB) == [ids[3]]
    batch.record(session, {ids[3]: OK}, worker=BOB)
    assert progress.finish_if_done(session) == [letter.id]
    assert recovery.let_go_on(session) == []
    assert letter.finished_at == clock.now()


# SQLite has one writer, and its locks end with its process.
@pytest.mark.only_on("postgresql")
@pytest.mark.usefixtures("frozen_clock")
def test_whoever_fell_silent_in_mid_transaction_keeps_its_rows_and_nobody_waiting(
    session: Session, letter: Campaign, engine: Engine
) -> None:
    leased = claim.lease(session, Lane.SENDING, ADA, 2)
    handed = _handed(session, ADA)
    session.execute(update(Delivery).values(lease_until=clock.now() - LEASE))
    session.commit()
    with Session(engine) as silent:
        held = select(Delivery.id).where(Delivery.id.in_([leased[0], handed[0]])).order_by(Delivery.id)
        assert len(silent.scalars(held.with_for_update()).all()) == 2
        assert recovery.settle_left_behind(session, lambda _worker: False) == (1, 1)
        session.commit()
    assert recovery.settle_left_behind(session, lambda _worker: False) == (1, 1)
