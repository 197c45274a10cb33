"""Four eyes: who asks does not release, a release serves once, and one user alone cannot ask for two."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import User
from listkeeper.audience.proof import evidence_request
from listkeeper.foundation.errors import Conflict, Forbidden, NotFound
from tests.makers import cafe
from tests.makers.cafe import Cafe

SUBJECT = "5f" * 16


@pytest.fixture
def made(session: Session) -> Cafe:
    """A café with its owner."""
    return cafe.found(session)


@pytest.fixture
def second(session: Session, made: Cafe) -> User:
    """A second user; from now on evidence needs two."""
    other = user.create(session, written="bo@cafe.example", organisation_id=made.organisation.id)
    evidence_request.require_two(session, made.organisation, True, actor=made.owner.actor)
    return other


def may_have(session: Session, made: Cafe, who: User) -> bool:
    return evidence_request.may_have(session, made.organisation, SUBJECT, who)


def test_one_user_is_enough_until_the_owner_wants_two(session: Session, made: Cafe, second: User) -> None:
    assert not may_have(session, made, made.owner)
    evidence_request.require_two(session, made.organisation, False, actor=made.owner.actor)
    assert may_have(session, made, made.owner)
    actions = [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions[-2:] == ["evidence.needs_two", "evidence.needs_one"]


def test_the_only_user_cannot_ask_for_a_second(session: Session, made: Cafe) -> None:
    with pytest.raises(Conflict, match="only user"):
        evidence_request.require_two(session, made.organisation, True, actor=made.owner.actor)
    assert may_have(session, made, made.owner)


def test_who_asks_does_not_release(session: Session, made: Cafe, second: User) -> None:
    asked = evidence_request.ask(session, made.organisation, SUBJECT, made.owner)
    with pytest.raises(Forbidden, match="yourself"):
        evidence_request.release(session, made.organisation, asked.public_id, made.owner)
    assert not may_have(session, made, made.owner)


def test_a_release_serves_once_and_only_who_asked(session: Session, made: Cafe, second: User) -> None:
    asked = evidence_request.ask(session, made.organisation, SUBJECT, made.owner)
    evidence_request.release(session, made.organisation, asked.public_id, second)
    assert not may_have(session, made, second)
    assert may_have(session, made, made.owner)
    assert not may_have(session, made, made.owner)
    with pytest.raises(Conflict, match="over"):
        evidence_request.release(session, made.organisation, asked.public_id, second)


def test_asking_twice_is_one_request(session: Session, made: Cafe, second: User) -> None:
    one = evidence_request.ask(session, made.organisation, SUBJECT, made.owner)
    assert evidence_request.ask(session, made.organisation, SUBJECT, made.owner).id == one.id
    assert [row.id for row in evidence_request.waiting(session, made.organisation, SUBJECT)] == [one.id]


def test_a_request_is_over_after_a_day(
    session: Session, made: Cafe, second: User, frozen_clock: time_machine.Traveller
) -> None:
    asked = evidence_request.ask(session, made.organisation, SUBJECT, made.owner)
    evidence_request.release(session, made.organisation, asked.public_id, second)
    frozen_clock.shift(timedelta(days=1, seconds=1))
    assert not may_have(session, made, made.owner)
    later = evidence_request.ask(session, made.organisation, SUBJECT, made.owner)
    assert later.id != asked.id
    frozen_clock.shift(timedelta(days=2))
    with pytest.raises(Conflict, match="over"):
        evidence_request.release(session, made.organisation, later.public_id, second)


def test_a_request_nobody_made_is_not_found(session: Session, made: Cafe, second: User) -> None:
    with pytest.raises(NotFound, match="no such request"):
        evidence_request.release(session, made.organisation, "evr_nobody", second)
