"""Checks of a domain one after the other: what is kept, what changed, and what of it is worth a mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.deliverability import domain_check, drift, sending_domain
from listkeeper.deliverability.domain_check import RecordChange
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.standards.dns import Outcome, StaticResolver

ZONE = {
    "shop.example": {"TXT": ["v=spf1 include:relay.example -all"], "MX": ["10 mx.example"]},
    "relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    "_dmarc.shop.example": {"TXT": ["v=DMARC1; p=reject"]},
}


@pytest.fixture
def domain(session: Session, frozen_clock: time_machine.Traveller) -> SendingDomain:
    owner = organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address="hello@shop.example", spoken="en"
    )
    return sending_domain.add(session, owner.id, "shop.example")


def _check(
    session: Session, domain: SendingDomain, failing: tuple[str, ...] = (), **changed: list[str] | None
) -> list[RecordChange]:
    """Check against the zone with other TXT records at the first label of a name; None takes the name away."""
    zone = {name: dict(at) for name, at in ZONE.items()}
    for label, texts in changed.items():
        name = next(name for name in zone if name.startswith(label))
        if texts is None:
            del zone[name]
        else:
            zone[name]["TXT"] = texts
    for name in failing:
        del zone[name]
    asked = domain_check.question(session, domain)
    checked = domain_check.look(asked, StaticResolver(zone, failing=failing), egress=["192.0.2.7"])
    found = domain_check.keep(session, domain, checked)
    session.flush()
    return found


def _kept(session: Session, domain: SendingDomain) -> int:
    return len(domain_check.history(session, domain, 1000))


def test_what_stays_the_same_is_kept_once_a_day(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    assert _check(session, domain) == []
    frozen_clock.shift(timedelta(hours=22))
    assert _check(session, domain) == []
    assert (_kept(session, domain), domain.last_checked_at) == (1, clock.now())
    frozen_clock.shift(timedelta(hours=2))
    assert _check(session, domain) == []
    assert _kept(session, domain) == 2
    frozen_clock.shift(timedelta(days=401))
    _check(session, domain)
    assert _kept(session, domain) == 1


def test_a_change_is_told_by_the_record(session: Session, domain: SendingDomain) -> None:
    _check(session, domain)
    new = "v=spf1 ip4:198.51.100.0/24 -all"
    # Somebody else's record, two steps away.
    assert _check(session, domain, relay=[new]) == [
        RecordChange("relay.example", "TXT", ("v=spf1 ip4:192.0.2.0/24 -all",), (new,))
    ]
    before, after = domain_check.history(session, domain, 2)[::-1]
    assert [row.code for row in drift.worse(before.last_findings, after.last_findings)] == ["G1"]
    assert after.changes == [
        {"name": "relay.example", "type": "TXT", "gone": ["v=spf1 ip4:192.0.2.0/24 -all"], "new": [new]}
    ]


def test_a_record_that_is_gone_and_one_that_is_another_word_order(session: Session, domain: SendingDomain) -> None:
    _check(session, domain, shop=["a", "v=spf1 include:relay.example -all"])
    assert _check(session, domain, shop=["v=spf1 include:relay.example -all", "a"]) == []
    gone = _check(session, domain, _dmarc=None)
    assert RecordChange("_dmarc.shop.example", "TXT", ("v=DMARC1; p=reject",), ()) in gone
    # Bytes from strangers are kept as text that any database takes.
    assert _check(session, domain, _dmarc=["v=DMARC1; p=\x00\xff\ud83d"]) != []


def test_silence_is_no_change_and_what_was_said_before_it_is_remembered(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    _check(session, domain)
    sound = drift.believed(session, domain)
    for _ in range(3):
        frozen_clock.shift(timedelta(minutes=10))
        assert _check(session, domain, failing=("relay.example",)) == []
    assert drift.believed(session, domain) == sound
    assert sound is not None
    assert drift.worse(sound, domain.last_findings) == []
    assert not drift.is_over(domain.last_findings)
    # After the silence it is compared with what was said before it.
    new = "v=spf1 ip4:198.51.100.0/24 -all"
    assert [change.name for change in _check(session, domain, relay=[new])] == ["relay.example"]
    assert [row.code for row in drift.worse(sound, domain.last_findings)] == ["G1"]


def test_when_a_domain_is_read_again(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    hour = timedelta(hours=1)
    assert drift.is_due(domain, clock.now(), drift.DAILY)
    _check(session, domain)
    assert not drift.is_due(domain, clock.now(), hour)
    frozen_clock.shift(hour)
    assert drift.is_due(domain, clock.now(), hour)
    assert not drift.is_due(domain, clock.now(), drift.DAILY)
    _check(session, domain, failing=("relay.example",))
    frozen_clock.shift(drift.SOON)
    assert drift.is_due(domain, clock.now(), drift.DAILY)


def test_a_domain_is_refreshed_between_two_transactions_and_added_when_it_is_new(
    session: Session, domain: SendingDomain, frozen_clock: time_machine.Traveller
) -> None:
    opened: list[str] = []

    class Opening:
        def __init__(self, what: str) -> None:
            self.what = what

        def __enter__(self) -> Session:
            opened.append(self.what)
            return session

        def __exit__(self, *_: object) -> None:
            opened.append("closed")

    class Watching(StaticResolver):
        def query(self, name: str, kind: str, /) -> Outcome:
            assert opened[-1] == "closed", "the DNS is asked while a transaction is open"
            return super().query(name, kind)

    def refresh() -> list[RecordChange]:
        return domain_check.refresh(
            lambda: Opening("reading"), lambda: Opening("writing"), Watching(ZONE), domain.organisation_id,
            "cafe.example", at_most=timedelta(hours=1),
        )  # fmt: skip

    assert refresh() == []
    added = sending_domain.by_name(session, domain.organisation_id, "cafe.example")
    assert added is not None
    assert added.last_checked_at == clock.now()
    opened.clear()
    assert refresh() == []
    assert opened == ["writing", "closed"]
