"""Whether all servers of a zone say the same, asked over loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import authority_audit
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.standards.dns import LiveResolver, Resolver, StaticResolver
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_DOMAIN = "shop.example"
_KEY = f"lk1._domainkey.{_DOMAIN}"
_SOA = "ns1.shop.example. host.shop.example. 1 7200 3600 1209600 3600"
_DELEGATION = {
    _DOMAIN: {"NS": ["ns1.shop.example", "ns2.shop.example"]},
    "ns1.shop.example": {"A": ["192.0.2.53"]},
    "ns2.shop.example": {"A": ["198.51.100.53"]},
}

Zone = dict[str, dict[str, list[str]]]


def _zone(**changed: list[str]) -> Zone:
    apex = {"SOA": [_SOA], "TXT": ["v=spf1 -all", "site=1"], "MX": ["10 a.shop.example", "10 b.shop.example"]}
    return {_DOMAIN: apex | changed, f"_dmarc.{_DOMAIN}": {"TXT": ["v=DMARC1; p=none"]}, _KEY: {"TXT": ["p=AA"]}}


@pytest.fixture
def servers() -> Iterator[list[DnsServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(dns_server.serving(_zone())) for _ in range(2)]


def _audit(servers: list[DnsServer], *, failing: tuple[str, ...] = ()) -> list[Finding]:
    real = {"192.0.2.53:53": servers[0].address, "198.51.100.53:53": servers[1].address}

    def connect(at: str) -> Resolver:
        return LiveResolver(real[at], timeout=0.3)

    world = StaticResolver({} if failing else _DELEGATION, failing=failing)
    return authority_audit.audit(_DOMAIN, world, _NOW, connect=connect, questions=[(_KEY, "TXT")])


def _codes(found: list[Finding]) -> list[tuple[str, Severity]]:
    return [(one.code, one.severity) for one in found]


def test_servers_that_say_the_same_in_another_order_are_right(servers: list[DnsServer]) -> None:
    servers[1].publish(_zone(TXT=["site=1", "v=spf1 -all"], MX=["10 B.shop.example", "10 a.SHOP.example"]))
    [found] = _audit(servers)
    assert (found.code, found.severity) == ("X4", Severity.INFO)
    assert found.message == "All name servers of shop.example say the same: ns1.shop.example and ns2.shop.example."
    assert "ns2.shop.example (198.51.100.53:53)" in found.evidence
    assert servers[1].address in found.evidence
    assert (_KEY, "TXT") in servers[1].asked


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (_zone(TXT=["v=spf1 ~all", "site=1"]), _DOMAIN),
        (_zone(TXT=["V=spf1 -all", "site=1"]), _DOMAIN),
        (_zone(MX=["10 a.shop.example"]), _DOMAIN),
        ({**_zone(), _KEY: {"TXT": ["p=BB"]}}, _KEY),
        ({name: at for name, at in _zone().items() if name != _KEY}, _KEY),
    ],
)
def test_servers_that_differ_are_shown_side_by_side(servers: list[DnsServer], zone: Zone, name: str) -> None:
    servers[1].publish(zone)
    [found] = _audit(servers)
    assert (found.code, found.severity, found.subject) == ("X4a", Severity.WARN, name)
    assert "ns1.shop.example (192.0.2.53:53)" in found.evidence
    assert "ns2.shop.example (198.51.100.53:53)" in found.evidence
    assert found.mend


def test_a_server_that_is_not_in_charge_is_named(servers: list[DnsServer]) -> None:
    servers[0].publish({"other.example": {"TXT": ["x"]}})
    [found] = _audit(servers)
    assert (found.code, found.severity) == ("X4b", Severity.WARN)
    assert "ns1.shop.example (it does not know the zone shop.example)" in found.message


def test_a_silent_server_is_named_and_makes_it_unknown(servers: list[DnsServer]) -> None:
    servers[1].silent.add("*")
    [found] = _audit(servers)
    assert (found.code, found.severity) == ("X4", Severity.UNKNOWN)
    assert found.message.endswith("because these gave no answer: ns2.shop.example (no answer in time).")


def test_a_question_that_fails_at_one_server_is_unknown_and_no_difference(servers: list[DnsServer]) -> None:
    servers[1].refused.add(f"_dmarc.{_DOMAIN}")
    [found] = _audit(servers)
    assert (found.code, found.severity) == ("X4", Severity.UNKNOWN)
    assert "ns2.shop.example (the server answered SERVFAIL)" in found.message
    assert f"_dmarc.{_DOMAIN} TXT" in found.evidence


def test_a_difference_is_seen_although_another_server_is_silent(servers: list[DnsServer]) -> None:
    servers[1].publish(_zone(TXT=["v=spf1 ~all"]))
    servers[1].silent.add(_KEY)
    assert _codes(_audit(servers)) == [("X4a", Severity.WARN), ("X4", Severity.UNKNOWN)]


def test_where_the_servers_cannot_be_found_it_is_unknown(servers: list[DnsServer]) -> None:
    [found] = _audit(servers, failing=(_DOMAIN,))
    assert (found.code, found.severity) == ("X4", Severity.UNKNOWN)
    assert "no answer in time" in found.message
    nowhere = StaticResolver({})
    [found] = authority_audit.audit(_DOMAIN, nowhere, _NOW, connect=lambda _: nowhere)
    assert (found.code, found.severity) == ("X4", Severity.UNKNOWN)


def test_servers_that_were_not_asked_are_counted() -> None:
    hosts = [f"ns{number:02}.shop.example" for number in range(9)]
    world = StaticResolver({_DOMAIN: {"NS": hosts}, **{host: {"A": ["192.0.2.53"]} for host in hosts}})
    [found] = authority_audit.audit(_DOMAIN, world, _NOW, connect=lambda _: StaticResolver(_zone()))
    assert found.severity is Severity.INFO
    assert found.message.endswith("1 more was not asked.")
