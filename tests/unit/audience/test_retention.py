"""Proof ends when its time is over: the owner chooses when and says why, the evidence goes, the ledger stays true."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import retention, retention_preset, subscriber, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.proof import evidence, ledger, ledger_audit
from listkeeper.audience.proof.evidence import Evidence
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe
from tests.makers.cafe import Cafe

ANNA, BO = "anna@people.example", "bo@people.example"
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def anna(session: Session, house: Cafe, frozen_clock: time_machine.Traveller) -> Subscriber:
    """Somebody on the list, with evidence in the vault."""
    person = cafe.subscribe(session, house, ANNA)
    assert _pieces(session, person)
    return person


def _pieces(session: Session, person: Subscriber) -> list[Evidence]:
    session.expire_all()
    return list(session.scalars(select(Evidence).where(Evidence.subject_ref == person.subject_ref)))


def _leave(session: Session, house: Cafe, person: Subscriber) -> None:
    unsubscribe.leave(session, person.id, house.mailing_list.id, Method.ONE_CLICK)
    session.flush()


def _rows(session: Session, kind: EventType) -> list[dict[str, object]]:
    rows = session.scalars(select(LedgerRow).where(LedgerRow.type == kind.value).order_by(LedgerRow.seq))
    return [ledger.fields_of(row) for row in rows]


# The choice


def test_the_choice_and_its_reason_are_in_the_ledger(session: Session, house: Cafe) -> None:
    retention.choose(session, house.organisation, "DK-24m", "  A dispute took\nthat long. ", actor="user:1")
    assert house.organisation.retention_preset == "DK-24m"
    (row,) = _rows(session, EventType.RETENTION_CHOSEN)
    assert row["details"] == {"preset": "DK-24m", "reason": "A dispute took that long."}
    assert row["actor"] == "user:1"


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501])
def test_a_choice_without_a_reason_is_none(session: Session, house: Cafe, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        retention.choose(session, house.organisation, "DK-24m", reason, actor="user:1")
    assert refused.value.code == "reason_missing"
    assert (house.organisation.retention_preset, _rows(session, EventType.RETENTION_CHOSEN)) == ("DK-6m", [])


def test_only_what_is_on_offer_can_be_chosen(session: Session, house: Cafe) -> None:
    """The record of requests has a length of its own, which is none for proof of consent."""
    requests = [preset.code for preset in retention_preset.everything() if not preset.for_proof]
    assert requests
    for code in (*requests, "", "for-ever"):
        with pytest.raises(Invalid) as refused:
            retention.choose(session, house.organisation, code, "Because.", actor="user:1")
        assert refused.value.code == "no_retention_preset"
    for preset in retention_preset.offered(clock.now().date()):
        retention.choose(session, house.organisation, preset.code, "Because.", actor="user:1")


# The end


def test_evidence_of_a_live_permission_has_no_end(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    frozen_clock.shift(timedelta(days=4_000))
    assert retention.set_ends(session) == 0
    assert retention.shred_due(session) == 0
    assert _pieces(session, anna)


def test_after_the_goodbye_the_evidence_goes_and_the_ledger_still_verifies(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    stays = cafe.subscribe(session, house, BO)
    committed = {row.id for row in ledger.of_subject(session, house.organisation.id, anna.subject_ref)}
    left_at = clock.now()
    _leave(session, house, anna)
    assert retention.set_ends(session) == 1
    assert retention.set_ends(session) == 0
    assert {piece.delete_after for piece in _pieces(session, anna)} == {clock.months_later(left_at, 6)}
    frozen_clock.move_to(clock.months_later(left_at, 6) - MOMENT)
    assert retention.shred_due(session) == 0
    frozen_clock.shift(MOMENT)
    shredded = retention.shred_due(session)
    assert shredded == 2
    assert _pieces(session, anna) == []
    assert _pieces(session, stays)
    rows = ledger.of_subject(session, house.organisation.id, anna.subject_ref)
    assert committed <= {row.id for row in rows}
    assert any(ledger.fields_of(row)["evidence_commit"] for row in rows)
    assert [row["details"] for row in _rows(session, EventType.RETENTION_SHREDDED)] == [{"pieces": shredded}]
    audit = ledger_audit.check(session, house.organisation)
    assert (audit.faults, audit.withheld) == ([], shredded)


def test_the_length_is_the_one_that_was_chosen(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    retention.choose(session, house.organisation, "DK-24m", "Because.", actor="user:1")
    left_at = clock.now()
    _leave(session, house, anna)
    retention.set_ends(session)
    assert {piece.delete_after for piece in _pieces(session, anna)} == {clock.months_later(left_at, 24)}


def test_who_comes_back_keeps_her_proof(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    _leave(session, house, anna)
    retention.set_ends(session)
    frozen_clock.shift(timedelta(days=2))
    cafe.subscribe(session, house, ANNA)
    frozen_clock.shift(timedelta(days=400))
    assert retention.shred_due(session) == 0
    assert _pieces(session, anna)


def test_a_dispute_keeps_the_evidence_until_it_is_over(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    subscriber.restrict(session, anna, actor="user:1")
    _leave(session, house, anna)
    assert retention.set_ends(session) == 0
    frozen_clock.shift(timedelta(days=400))
    assert retention.shred_due(session) == 0
    subscriber.unrestrict(session, anna, actor="user:1")
    session.flush()
    assert retention.set_ends(session) == 1
    assert retention.shred_due(session) == 2


def test_a_dispute_that_begins_after_the_goodbye_keeps_it_too(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    left_at = clock.now()
    _leave(session, house, anna)
    retention.set_ends(session)
    subscriber.restrict(session, anna, actor="user:1")
    session.flush()
    frozen_clock.shift(timedelta(days=400))
    assert (retention.set_ends(session), retention.shred_due(session)) == (0, 0)
    assert _pieces(session, anna)
    subscriber.unrestrict(session, anna, actor="user:1")
    session.flush()
    retention.set_ends(session)
    # The time is counted from the goodbye, not from the end of the dispute.
    assert {piece.delete_after for piece in _pieces(session, anna)} == {clock.months_later(left_at, 6)}


def test_what_is_shredded_cannot_be_opened_by_anybody(
    session: Session, house: Cafe, anna: Subscriber, frozen_clock: time_machine.Traveller
) -> None:
    assert evidence.opened(session, house.organisation.id, anna.subject_ref)
    _leave(session, house, anna)
    retention.set_ends(session)
    frozen_clock.shift(timedelta(days=400))
    retention.shred_due(session)
    assert evidence.opened(session, house.organisation.id, anna.subject_ref) == {}
