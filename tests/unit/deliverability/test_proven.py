"""A real mail settles what nobody could know, for a while, and only as long as the records stand as they did."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import domain_check, proven, readiness, round_trip, sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.readiness import Provider
from listkeeper.deliverability.readiness_cell import State
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.standards.dns import StaticResolver
from tests.makers.received_mail import GMAIL, SMALL_HOST

OPEN = Finding("G1", Severity.UNKNOWN, "shop.example", "Unknown whether SPF lets our mail pass.")
SILENT = Finding("G1", Severity.UNKNOWN, "shop.example", "Unknown.", "shop.example TXT: no answer")
BLOCKS = Finding("G1", Severity.BLOCK, "shop.example", "SPF does not let mail pass.", "seen")
ZONE = {
    "shop.example": {"TXT": ["v=spf1 include:relay.example -all"], "MX": ["10 mx.example"]},
    "relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=none"]},
}


@pytest.fixture
def domain(session: Session, frozen_clock: time_machine.Traveller) -> SendingDomain:
    owner = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address="hello@shop.example", spoken="en"
    )
    made = sending_domain.add(session, owner.id, "shop.example")
    _check(session, made)
    return made


def _check(session: Session, domain: SendingDomain, relay: str = "v=spf1 ip4:192.0.2.0/24 -all") -> None:
    resolver = StaticResolver({**ZONE, "relay.example": {"TXT": [relay]}})
    domain_check.keep(session, domain, domain_check.look(domain_check.question(session, domain), resolver))
    session.flush()


def _bring(session: Session, domain: SendingDomain, mail: str) -> None:
    ours = round_trip.expected(session, domain, ())
    round_trip.keep(domain, round_trip.compare(mail.encode(), ours, StaticResolver(ZONE), clock.now()))


def test_what_a_receiver_saw_stands_in_place_of_what_is_not_known(session: Session, domain: SendingDomain) -> None:
    assert proven.known(session, domain, [OPEN]) == [OPEN]
    _bring(session, domain, GMAIL)
    [found] = proven.known(session, domain, [OPEN])
    assert (found.code, found.severity) == ("G1", Severity.INFO)
    assert proven.known(session, domain, [SILENT, BLOCKS]) == [SILENT, BLOCKS]


def test_encryption_that_a_receiver_saw_is_on_the_scorecard(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    def state() -> State:
        [row] = [row for row in readiness.scorecard(proven.encryption(domain)).rows if row.code == "G4"]
        return row.cells[Provider.GMAIL].state

    assert state() is State.UNKNOWN
    _bring(session, domain, GMAIL)
    assert state() is State.PASS
    frozen_clock.shift(proven.LASTS + timedelta(seconds=1))
    assert state() is State.UNKNOWN


@pytest.mark.parametrize("mail", [SMALL_HOST, GMAIL.replace("spf=pass", "spf=softfail"), "From: a@shop.example\r\n"])
def test_a_word_that_is_not_believed_or_no_pass_settles_nothing(
    session: Session, domain: SendingDomain, mail: str
) -> None:
    _bring(session, domain, mail)
    assert proven.known(session, domain, [OPEN]) == [OPEN]


def test_it_holds_for_thirty_days_and_not_past_a_change_of_the_record(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    _bring(session, domain, GMAIL)
    frozen_clock.shift(proven.LASTS)
    assert proven.known(session, domain, [OPEN]) != [OPEN]
    frozen_clock.shift(timedelta(seconds=1))
    assert proven.known(session, domain, [OPEN]) == [OPEN]
    _bring(session, domain, GMAIL)
    frozen_clock.shift(timedelta(hours=1))
    _check(session, domain)
    assert proven.known(session, domain, [OPEN]) != [OPEN]
    _check(session, domain, "v=spf1 ip4:198.51.100.0/24 -all")
    assert proven.known(session, domain, [OPEN]) == [OPEN]
