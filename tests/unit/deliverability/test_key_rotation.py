"""Changing a domain's key: at no moment is a mail signed with what the DNS does not show."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.deliverability import dkim_key, domain_check, key_rotation, sending_domain
from listkeeper.deliverability.dkim_key import KeyState
from listkeeper.deliverability.key_rotation import EMPTY_RECORD, KEPT, LEAST_WAIT, Stage
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from listkeeper.standards import dkim_verify, dns
from listkeeper.standards.dkim_verify import Result
from listkeeper.standards.dns import StaticResolver

MOMENT = timedelta(seconds=1)
MESSAGE = b"From: hello@shop.example\r\nSubject: Buns\r\n\r\nWarm\r\n"


class World:
    """A domain that signs, and a zone that its owner changes by hand."""

    def __init__(self, session: Session, clock: time_machine.Traveller) -> None:
        owner = organisation.found(
            session,
            legal_name="Shop",
            postal_address="Street 1\n1000 Town",
            from_address="hello@shop.example",
            spoken="en",
        )
        self.session, self.clock = session, clock
        self.domain = sending_domain.add(session, owner.id, "shop.example")
        self.zone: dict[str, dict[str, list[str]]] = {"shop.example": {"MX": ["10 mx.example"]}}
        self.silent = False
        self.publish("lk1", self.record("lk1"))
        self.look()
        sending_domain.start_signing(session, self.domain)

    def record(self, selector: str) -> str:
        key = dkim_key.of(self.session, self.domain.id, selector)
        assert key is not None
        return key.record

    def publish(self, selector: str, record: str | None) -> None:
        name = f"{selector}._domainkey.shop.example"
        self.zone.pop(name, None)
        if record is not None:
            self.zone[name] = {"TXT": [record]}

    def resolver(self) -> dns.Resolver:
        failing = [f"{selector}._domainkey.shop.example" for selector in ("lk1", "lk2", "lk3")] if self.silent else []
        return StaticResolver({} if self.silent else self.zone, failing=failing, ttl=300)

    def look(self) -> Stage:
        """Check the domain as the timetable does; what is signed then can be verified."""
        asked = domain_check.question(self.session, self.domain)
        domain_check.keep(self.session, self.domain, domain_check.look(asked, self.resolver()))
        self.session.flush()
        if self.domain.signing and not self.silent:
            assert self.verifies()
        return key_rotation.of(self.session, self.domain).stage

    def verifies(self) -> bool:
        """Return whether what is signed now is right by what the DNS shows now."""
        signer = sending_domain.signer(self.session, self.domain.organisation_id, "shop.example")
        assert signer is not None
        signed = signer.header(MESSAGE, "hello@shop.example", "a@guest.example") + MESSAGE
        verdicts = dkim_verify.verify(signed, StaticResolver(self.zone), clock.now())
        return [verdict.result for verdict in verdicts] == [Result.PASS]


@pytest.fixture
def world(session: Session, frozen_clock: time_machine.Traveller) -> World:
    return World(session, frozen_clock)


def _states(world: World) -> dict[str, KeyState]:
    found = {name: dkim_key.of(world.session, world.domain.id, name) for name in ("lk1", "lk2", "lk3")}
    return {name: key.state for name, key in found.items() if key is not None}


def test_a_key_is_changed_in_its_own_time(world: World) -> None:
    assert key_rotation.of(world.session, world.domain).stage is Stage.RESTS
    following = key_rotation.begin(world.session, world.domain)
    assert following.selector == "lk2"
    assert world.look() is Stage.PUBLISH
    assert key_rotation.of(world.session, world.domain).record == following.record
    world.publish("lk2", following.record)
    assert world.look() is Stage.WAIT
    world.clock.shift(LEAST_WAIT - MOMENT)
    assert world.look() is Stage.WAIT
    assert world.domain.selector == "lk1"
    world.clock.shift(MOMENT)
    assert world.look() is Stage.KEEP
    assert (world.domain.selector, _states(world)) == ("lk2", {"lk1": KeyState.RETIRED, "lk2": KeyState.SIGNING})
    world.clock.shift(KEPT - MOMENT)
    assert world.look() is Stage.KEEP
    world.clock.shift(MOMENT)
    assert world.look() is Stage.WITHDRAW
    assert key_rotation.of(world.session, world.domain).record == EMPTY_RECORD
    world.publish("lk1", EMPTY_RECORD)
    assert world.look() is Stage.RESTS
    assert _states(world) == {"lk1": KeyState.REVOKED, "lk2": KeyState.SIGNING}
    acts = world.session.scalars(select(AuditEntry.action).where(AuditEntry.actor == "clock")).all()
    assert acts == ["domain.key_changed", "domain.key_withdrawn"]
    # The name of a withdrawn key is not used again.
    assert key_rotation.begin(world.session, world.domain).selector == "lk3"


def test_a_key_that_is_gone_again_does_not_sign(world: World) -> None:
    following = key_rotation.begin(world.session, world.domain)
    world.publish("lk2", following.record)
    assert world.look() is Stage.WAIT
    world.publish("lk2", None)
    world.clock.shift(LEAST_WAIT)
    assert world.look() is Stage.PUBLISH
    world.publish("lk2", world.record("lk1"))
    world.clock.shift(LEAST_WAIT)
    assert world.look() is Stage.PUBLISH
    assert world.domain.selector == "lk1"


def test_silence_of_the_dns_neither_changes_a_key_nor_takes_a_step_back(world: World) -> None:
    following = key_rotation.begin(world.session, world.domain)
    world.publish("lk2", following.record)
    assert world.look() is Stage.WAIT
    world.silent = True
    world.clock.shift(LEAST_WAIT * 3)
    assert world.look() is Stage.WAIT
    assert world.domain.selector == "lk1"
    world.silent = False
    assert world.look() is Stage.KEEP


def test_a_change_begins_once_and_only_where_something_is_signed(world: World) -> None:
    key_rotation.begin(world.session, world.domain)
    with pytest.raises(Conflict) as twice:
        key_rotation.begin(world.session, world.domain)
    assert twice.value.code == "rotation_under_way"
    other: SendingDomain = sending_domain.add(world.session, world.domain.organisation_id, "cafe.example")
    with pytest.raises(Conflict) as early:
        key_rotation.begin(world.session, other)
    assert early.value.code == "not_signing"


def test_an_old_key_asks_to_be_changed(world: World) -> None:
    assert not key_rotation.is_old(world.session, world.domain)
    world.clock.shift(key_rotation.AGE)
    assert key_rotation.is_old(world.session, world.domain)
