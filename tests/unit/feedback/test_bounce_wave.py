"""Waves: who was held back together, and that taking one back touches its own holds and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import suppression
from listkeeper.audience.proof import ledger_audit
from listkeeper.audience.suppression import Reason
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce_wave
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind
from listkeeper.feedback.undelivered import UndeliveredRun
from listkeeper.foundation.errors import Conflict, NotFound
from tests.makers import cafe
from tests.makers.cafe import Cafe
from tests.makers.came_back import Postman

R = ReplyClass
ACTOR = "user:1"


@pytest.fixture
def house(session: Session) -> Cafe:
    return cafe.found(session)


def _people(session: Session, house: Cafe, number: int) -> list[Postman]:
    return [
        Postman(session, house, cafe.subscribe(session, house, f"reader{place}@guest.example"))
        for place in range(number)
    ]


def _reasons(postman: Postman) -> set[Reason]:
    key = postman.person.suppression_key
    return {row.reason for row in suppression.reasons(postman.session, postman.cafe.organisation.id, key)}


def _hold(readers: list[Postman]) -> list[FeedbackEvent]:
    return [each.bounces(R.INVALID_ADDRESS, permanent=True) for each in readers]


def _only(session: Session, house: Cafe, **least: int) -> bounce_wave.Wave:
    [wave] = bounce_wave.recent(session, house.organisation.id, **least)
    return wave


def test_those_held_by_one_rule_within_an_hour_are_one_wave(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    readers = _people(session, house, 6)
    first = _hold(readers[:3])
    frozen_clock.shift(timedelta(minutes=59))
    last = _hold(readers[3:])
    wave = _only(session, house)
    assert (wave.first, wave.last, wave.provider, wave.rule) == (first[0].id, last[-1].id, "gmail", "a rule")
    assert wave.people == {each.person.id for each in readers}
    assert wave.said == ["550 no"]
    assert bounce_wave.named(session, house.organisation.id, wave.name).people == wave.people
    assert len(bounce_wave.people(session, wave, 2)) == 2


def test_an_hour_without_any_parts_two_waves_and_so_does_a_receiver(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    readers = _people(session, house, 9)
    _hold(readers[:3])
    frozen_clock.shift(timedelta(minutes=61))
    later = _hold(readers[3:6])
    for told in _hold(readers[6:]):
        told.provider = "yahoo"
    session.flush()
    found = bounce_wave.recent(session, house.organisation.id, least=3)
    assert [(wave.provider, len(wave.people)) for wave in found] == [("yahoo", 3), ("gmail", 3), ("gmail", 3)]
    assert found[1].first == later[0].id
    assert bounce_wave.recent(session, house.organisation.id, least=4) == []
    frozen_clock.shift(timedelta(days=31))
    assert bounce_wave.recent(session, house.organisation.id, least=1) == []


def test_a_wave_is_taken_back_as_one(session: Session, house: Cafe) -> None:
    readers = _people(session, house, 5)
    readers[0].bounces(R.MAILBOX_FULL)
    held = _hold(readers)
    lifted = bounce_wave.lift(session, house.organisation.id, _only(session, house), actor=ACTOR)
    assert (lifted.people, lifted.away) == (5, 0)
    assert [_reasons(each) for each in readers] == [set()] * 5
    for told in held:
        session.refresh(told)
    assert all(told.lifted_at for told in held)
    # Their failures are counted anew.
    assert session.scalars(select(UndeliveredRun)).all() == []
    [noted] = session.scalars(select(AuditEntry).where(AuditEntry.action == "bounce_wave.lifted"))
    assert (noted.actor, noted.subject) == (ACTOR, f"{held[0].id}-{held[-1].id}")
    assert ledger_audit.check(session, house.organisation).faults == []
    assert bounce_wave.recent(session, house.organisation.id, least=1) == []
    with pytest.raises(NotFound):
        bounce_wave.named(session, house.organisation.id, noted.subject)


def test_who_complained_or_is_held_by_something_else_stays_away(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    readers = _people(session, house, 5)
    _hold(readers)
    readers[0].told(FeedbackKind.COMPLAINED, readers[0].letter())
    readers[1].told(FeedbackKind.UNSUBSCRIBED, readers[1].letter())
    frozen_clock.shift(timedelta(hours=3))
    # Held a second time, by a wave of its own.
    again = _hold(readers[2:3])
    [second, first] = bounce_wave.recent(session, house.organisation.id, least=1)
    lifted = bounce_wave.lift(session, house.organisation.id, first, actor=ACTOR)
    assert (lifted.people, lifted.away) == (5, 3)
    assert [_reasons(each) for each in readers] == [
        {Reason.COMPLAINT}, {Reason.UNSUBSCRIBED}, {Reason.HARD_BOUNCE}, set(), set(),
    ]  # fmt: skip
    assert second.name == f"{again[0].id}-{again[0].id}"
    bounce_wave.lift(session, house.organisation.id, second, actor=ACTOR)
    assert _reasons(readers[2]) == set()
    assert _reasons(readers[0]) == {Reason.COMPLAINT}


def test_what_was_looked_at_is_what_is_taken_back(session: Session, house: Cafe) -> None:
    readers = _people(session, house, 6)
    _hold(readers[:5])
    seen = _only(session, house)
    _hold(readers[5:])
    wave = bounce_wave.named(session, house.organisation.id, seen.name)
    assert bounce_wave.lift(session, house.organisation.id, wave, actor=ACTOR).people == 5
    assert _reasons(readers[5]) == {Reason.HARD_BOUNCE}
    with pytest.raises(Conflict):
        bounce_wave.lift(session, house.organisation.id, wave, actor=ACTOR)


@pytest.mark.parametrize("name", ["", "0-0", "1", "2-1", "x-y", "1-99999999999", "1-1;--", "9" * 40, "٣-٣"])
def test_made_up_names_find_nothing(session: Session, house: Cafe, name: str) -> None:
    _hold(_people(session, house, 1))
    session.flush()
    first = session.scalars(select(FeedbackEvent.id)).one()
    with pytest.raises(NotFound):
        bounce_wave.named(session, house.organisation.id, name.replace("1-", f"{first}-") if name != "1-1;--" else name)
    with pytest.raises(NotFound):
        bounce_wave.named(session, house.organisation.id + 1, f"{first}-{first}")


def test_one_person_is_written_to_again_and_her_own_word_stays(session: Session, house: Cafe) -> None:
    [reader, other] = _people(session, house, 2)
    _hold([reader, other])
    reader.told(FeedbackKind.COMPLAINED, reader.letter())
    bounce_wave.lift_one(session, reader.person, actor=ACTOR)
    assert (_reasons(reader), _reasons(other)) == ({Reason.COMPLAINT}, {Reason.HARD_BOUNCE})
    with pytest.raises(Conflict):
        bounce_wave.lift_one(session, reader.person, actor=ACTOR)
    assert _only(session, house, least=1).people == {other.person.id}
