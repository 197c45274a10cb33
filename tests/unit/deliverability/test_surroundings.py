"""What an audit asks beside the records: a web server, each name server, the names of machines; and how mail leaves."""

from __future__ import annotations

import pytest

from listkeeper import parts
from listkeeper.campaigns import domain_gate
from listkeeper.deliverability import drift, finding
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.deliverability.gate import Gate
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.deliverability.surroundings import Surroundings
from listkeeper.foundation import fetch
from listkeeper.sending.handing_over import way, way_address
from listkeeper.settings import Settings
from listkeeper.standards.dns import LiveResolver
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer
from tests.makers.domain_zones import DOMAIN, IP, NOW, Zone, zone
from tests.unit.deliverability.conftest import audited, codes_of, the_one


class _Web:
    """A web server that says the same of each page, and what it was asked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.asked: list[str] = []

    def get(self, url: str, /) -> fetch.Answer:
        self.asked.append(url)
        return fetch.Answer(200, {}, self._body)


def test_the_policy_of_mta_sts_is_read_where_one_is_announced(server: DnsServer) -> None:
    announced: Zone = {"_mta-sts.shop.example": {"TXT": ["v=STSv1; id=1"]}}
    web = _Web(b"version: STSv1\nmode: enforce\nmx: mx.shop.example\nmax_age: 604800\n")
    around = Surroundings(reader=web)
    assert the_one(audited(server, zone(more=announced), around=around), "T1").verdict is Verdict.RIGHT
    assert web.asked == ["https://mta-sts.shop.example/.well-known/mta-sts.txt"]
    other = Surroundings(reader=_Web(b"version: STSv1\nmode: enforce\nmx: other.example\nmax_age: 604800\n"))
    assert the_one(audited(server, zone(more=announced), around=other), "T1c").verdict is Verdict.ADVICE
    assert the_one(audited(server, zone(more=announced)), "T1").verdict is Verdict.UNKNOWN
    audited(server, zone(), around=around)
    assert len(web.asked) == 1


def test_each_name_server_is_asked_where_that_can_be_done(server: DnsServer) -> None:
    delegation: Zone = {"ns1.shop.example": {"A": ["192.0.2.53"]}, "ns2.shop.example": {"A": ["192.0.2.54"]}}
    soa = "ns1.shop.example. host.shop.example. 1 7200 3600 1209600 3600"
    records = zone(more=delegation, NS=["ns1.shop.example", "ns2.shop.example"], SOA=[soa])
    with dns_server.serving(records | {f"_dmarc.{DOMAIN}": {"TXT": ["v=DMARC1; p=none"]}}) as late:
        at = {"192.0.2.53:53": server.address, "192.0.2.54:53": late.address}
        around = Surroundings(connect=lambda place: LiveResolver(at[place], 0.5))
        found = audited(server, records, around=around)
        assert codes_of(found, Verdict.WRONG) == {"X4a": Severity.WARN}
        assert the_one(found, "X4a").subject == "_dmarc.shop.example"
        # Our key's record is compared as well.
        assert ("lk1._domainkey.shop.example", "TXT") in late.asked
        late.publish(records)
        assert the_one(audited(server, records, around=around), "X4").verdict is Verdict.RIGHT


@pytest.mark.parametrize("egress", [[IP], []])
def test_through_a_relay_the_name_of_an_address_is_its_affair_unless_one_is_named_for_us(
    server: DnsServer, egress: list[str]
) -> None:
    records = zone(more={"10.2.0.192.in-addr.arpa": {}})
    found = audited(server, records, egress=egress, around=Surroundings(through_relay=True))
    assert the_one(found, "G3").severity is (Severity.ERROR if egress else Severity.INFO)
    assert ("leaves through a relay" in the_one(found, "G3").message) is not bool(egress)


def test_bounces_are_judged_by_the_name_our_server_greets_with(server: DnsServer) -> None:
    assert the_one(audited(server, zone()), "S8").subject == "out.shop.example"
    bare = zone(more={"out.shop.example": {"A": [IP]}})
    advised = the_one(audited(server, bare), "S8a")
    assert (advised.severity, advised.verdict, advised.mend) == (Severity.INFO, Verdict.ADVICE, f"v=spf1 ip4:{IP} ~all")
    mended = zone(more={"out.shop.example": {"A": [IP], "TXT": [advised.mend]}})
    assert the_one(audited(server, mended), "S8").verdict is Verdict.RIGHT
    named = audited(server, zone(more={"hello.example": {"A": [IP]}}), around=Surroundings(ehlo="hello.example"))
    assert the_one(named, "S8a").subject == "hello.example"
    assert the_one(named, "S8a").mend == f"v=spf1 ip4:{IP} ~all"


@pytest.mark.parametrize(
    ("hosts", "code", "severity"),
    [
        (["10 gone.shop.example"], "X1d", Severity.ERROR),
        (["10 192.0.2.25"], "X1d", Severity.ERROR),
        (["10 mx.shop.example", "20 gone.shop.example"], "X1e", Severity.WARN),
    ],
)
def test_mail_hosts_need_an_address(server: DnsServer, hosts: list[str], code: str, severity: Severity) -> None:
    found = audited(server, zone([f"v=spf1 ip4:{IP} -all"], MX=hosts))
    assert codes_of(found, Verdict.WRONG) == {code: severity}


def test_where_nobody_answers_nothing_more_is_asked(server: DnsServer) -> None:
    server.silent.add("*")
    audited(server, zone(), timeout=0.2, around=Surroundings(connect=lambda _: LiveResolver(server.address)))
    assert {name for name, _ in server.asked} == {DOMAIN}


@pytest.mark.parametrize(
    ("ways", "by_relay"),
    [
        ((), False),
        (("smtp+starttls://mail.relay.example:587",), True),
        (("smtp://127.0.0.1:25",), False),
        (("smtp+starttls://mail.relay.example:587", "smtp://localhost:25"), False),
    ],
)
def test_mail_handed_to_somebody_elses_server_leaves_by_a_relay(ways: tuple[str, ...], by_relay: bool) -> None:
    assert way.leaves_by_relay([way_address.read(one) for one in ways]) is by_relay


@pytest.mark.parametrize("named", ["192.0.2.53:53", None])
def test_where_a_name_server_was_named_no_other_is_asked(settings: Settings, named: str | None) -> None:
    known = settings.model_copy(update={"dns_server": named, "smtp_url": "smtp+starttls://mail.relay.example:587"})
    parts.open_all(known)
    around = parts.surroundings()
    assert (around.connect is None) is (named is not None)
    assert around.through_relay
    assert isinstance(around.reader, fetch.LiveFetcher)


@pytest.mark.parametrize(("code", "waits"), [("T1", False), ("X4", False), ("S1", True), ("K3", True)])
def test_silence_about_a_minor_check_hurries_nobody_and_asks_nobody(code: str, waits: bool) -> None:
    silent = Finding(code, Severity.UNKNOWN, DOMAIN, "Unknown.", "no answer in time")
    domain = SendingDomain(name=DOMAIN, last_checked_at=NOW, findings=[finding.as_json(silent)])
    assert drift.is_due(domain, NOW + drift.SOON, drift.DAILY) is waits
    assert drift.is_over([silent]) is not waits
    assert bool(domain_gate.unknown([silent], Gate.STOP)) is waits
