"""What a worker leaves behind, why mail stands still, and numbers that always add up."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, claim, delivery, incident, planning, progress, recovery, steering
from listkeeper.sending.delivery import OPEN, TRANSITIONS, Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Rejected, Reply
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.prepared import HANDED_LEASE
from listkeeper.sending.progress import Progress
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe
from tests.unit.sending.test_batch import ME, OTHER, prepared

S = DeliveryState
OUTCOMES = (
    Accepted(Reply(250, "kept")), Deferred(Reply(451, "later")), Rejected(Reply(550, "nobody")), InDoubt("lost"), None,
)  # fmt: skip


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with twelve people on its list."""
    made = cafe.found(session)
    crowd.gather(session, made, 12)
    return made


@pytest.fixture
def letter(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Campaign:
    """A letter on its way, at a moment that stands still."""
    made = cafe.draft(session, house)
    planning.send_campaign(session, house.organisation, made, site="https://mail.cafe.example")
    session.commit()
    return made


def _rows(session: Session) -> list[Delivery]:
    session.flush()
    session.expire_all()
    return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def _adds_up(report: Progress) -> bool:
    parts = (report.sent, report.waiting, report.skipped, report.deferred, report.failed, len(report.in_doubt))
    return sum(parts) == report.recipients


# Numbers


def test_every_state_has_its_number(session: Session, letter: Campaign) -> None:
    for row, state in zip(_rows(session), [*S, S.REFUSED, S.REFUSED], strict=True):
        row.state = state
    rows = _rows(session)
    rows[-1].refusal_code = rows[-2].refusal_code = RefusalCode.WITHDRAWN
    next(row for row in rows if row.state is S.REFUSED).refusal_code = RefusalCode.SUPPRESSED
    session.flush()
    said = progress.report(session, letter)
    assert (said.state, said.recipients, said.sent, said.skipped) == (CampaignState.SENDING, 12, 2, 4)
    assert (said.deferred, said.failed, said.waiting, said.standing_still) == (1, 1, 3, ())
    assert said.in_doubt == ("person-9@crowd.example",)
    assert said.skipped_because == {RefusalCode.SUPPRESSED: 1, RefusalCode.WITHDRAWN: 2}
    assert _adds_up(said)


def test_numbers_add_up_at_every_step_of_any_journey(
    session: Session, letter: Campaign, chance: random.Random, frozen_clock: time_machine.Traveller
) -> None:
    """Leases, answers of every kind, dead workers and time, in any order."""

    def lease() -> None:
        claim.lease(session, Lane.SENDING, chance.choice((ME, OTHER)), chance.randint(1, 5))

    def hand_out() -> None:
        for worker in (ME, OTHER):
            ids = [row.id for row in _rows(session) if row.state is S.LEASED and row.worker == worker]
            batch.hand_out(session, ids[: chance.randint(0, 4)], worker, prepare=prepared, carries_smtputf8=False)

    def answer() -> None:
        for worker in (ME, OTHER):
            ids = [row.id for row in _rows(session) if row.state in {S.HANDED, S.IN_DOUBT} and row.worker == worker]
            said = {number: chance.choice(OUTCOMES) for number in ids if chance.random() < 0.7}
            batch.record(session, said, worker=worker)

    def die() -> None:
        recovery.settle_left_behind(session, lambda worker: worker == ME)

    def wait() -> None:
        frozen_clock.shift(timedelta(seconds=chance.choice((1, 70, 200, 3_600))))

    seen = set()
    for _ in range(150):
        chance.choice((lease, hand_out, answer, die, wait))()
        session.flush()
        assert _adds_up(progress.report(session, letter))
        for row in _rows(session):
            seen.add(row.state)
            # Whoever was away when a row was called in doubt may come back with the answer.
            assert (row.worker is None) == (row.state not in {S.LEASED, S.HANDED}) or row.state is S.IN_DOUBT
            assert (row.settled_at is None) == (row.state in OPEN)
    assert len(seen) > 4, "the journey was too short to prove anything"


def test_a_campaign_is_finished_when_nothing_is_open(session: Session, letter: Campaign) -> None:
    for state in S:
        session.execute(update(Delivery).values(state=S.ACCEPTED))
        session.execute(update(Delivery).where(Delivery.id == _rows(session)[0].id).values(state=state))
        letter.state = CampaignState.SENDING
        session.flush()
        finished = progress.finish_if_done(session)
        assert finished == ([] if state in OPEN else [letter.id]), state
    assert letter.finished_at == clock.now()
    assert progress.finish_if_done(session) == []


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.SENDING])
def test_only_what_is_being_sent_is_finished(session: Session, letter: Campaign, state: CampaignState) -> None:
    letter.state = state
    session.execute(update(Delivery).values(state=S.ACCEPTED))
    assert progress.finish_if_done(session) == []
    assert letter.state is state


def test_a_finished_letter_is_not_cancelled(session: Session, letter: Campaign) -> None:
    session.execute(update(Delivery).values(state=S.ACCEPTED))
    progress.finish_if_done(session)
    session.commit()
    with pytest.raises(Conflict):
        steering.cancel(session, letter)
    assert {row.state for row in _rows(session)} == {S.ACCEPTED}


# What is left behind


@pytest.mark.parametrize(("dead", "late"), [(True, False), (False, True)])
def test_a_dead_worker_s_rows_are_queued_again_or_in_doubt(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller, *, dead: bool, late: bool
) -> None:
    mine = claim.lease(session, Lane.SENDING, ME, 6)
    batch.hand_out(session, mine[:4], ME, prepare=prepared, carries_smtputf8=False)
    batch.record(session, {mine[0]: OUTCOMES[0]}, worker=ME)
    if late:
        frozen_clock.shift(HANDED_LEASE + timedelta(milliseconds=1))
    theirs = claim.lease(session, Lane.SENDING, OTHER, 2)
    assert recovery.settle_left_behind(session, lambda worker: dead and worker == ME) == (2, 3)
    states = {row.id: row.state for row in _rows(session)}
    assert [states[number] for number in mine] == [S.ACCEPTED, *[S.IN_DOUBT] * 3, S.QUEUED, S.QUEUED]
    assert [states[number] for number in theirs] == [S.LEASED, S.LEASED]
    doubted = next(row for row in _rows(session) if row.id == mine[1])
    assert (doubted.worker, doubted.lease_until, doubted.settled_at, doubted.attempts) == (ME, None, clock.now(), 1)
    assert doubted.reply_text == "the worker stopped before an answer was recorded"
    assert doubted.message_id is not None


def test_a_living_worker_keeps_what_it_holds(
    session: Session, letter: Campaign, frozen_clock: time_machine.Traveller
) -> None:
    ids = claim.lease(session, Lane.SENDING, ME, 6)
    batch.hand_out(session, ids[:3], ME, prepare=prepared, carries_smtputf8=False)
    frozen_clock.shift(claim.LEASE)
    assert recovery.settle_left_behind(session, lambda _worker: False) == (0, 0)
    frozen_clock.shift(timedelta(milliseconds=1))
    # A lease is short; a hand-over may take as long as a server's answer.
    assert recovery.settle_left_behind(session, lambda _worker: False) == (3, 0)


def test_recovery_takes_only_ways_of_the_table() -> None:
    """It changes rows in bulk, past the verb that knows the table."""
    assert S.QUEUED in TRANSITIONS[S.LEASED]
    assert S.IN_DOUBT in TRANSITIONS[S.HANDED]
    assert {S.CANCELLED} <= TRANSITIONS[S.QUEUED] & TRANSITIONS[S.DEFERRED] & TRANSITIONS[S.LEASED]
    assert S.LEASED in TRANSITIONS[S.QUEUED] & TRANSITIONS[S.DEFERRED]


def test_counts_name_every_state(session: Session, letter: Campaign) -> None:
    assert delivery.counts(session, letter.id) == dict.fromkeys(S, 0) | {S.QUEUED: 12}
    assert delivery.numbered(session, _rows(session)[0].id) is not None
    assert delivery.numbered(session, 10**6) is None


# Why it stands still


def test_an_incident_is_open_once_with_the_newest_words(session: Session, letter: Campaign) -> None:
    for words in ("The mail server is away.", "The mail server refuses hello@cafe.example today."):
        incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, words)
        session.flush()
    assert [row.words for row in incident.standing(session)] == ["The mail server refuses <address> today."]
    assert progress.report(session, letter).standing_still == ("The mail server refuses <address> today.",)
    letter.state = CampaignState.PAUSED
    assert progress.report(session, letter).standing_still == ()
    incident.over(session, IncidentKind.TRANSPORT_UNAVAILABLE)
    incident.over(session, IncidentKind.TRANSPORT_UNAVAILABLE)
    assert incident.standing(session) == []
    incident.report(session, IncidentKind.TRANSPORT_UNAVAILABLE, "Away again.")
    session.flush()
    assert [row.words for row in incident.standing(session)] == ["Away again."]
