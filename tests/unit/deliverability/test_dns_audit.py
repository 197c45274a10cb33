"""A domain against a real server on loopback: one right zone, and wrong ones each named by a finding of its own."""

from __future__ import annotations

import time

import pytest

from listkeeper.deliverability import dns_audit, finding
from listkeeper.deliverability.finding import Severity, Verdict
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import spf, spf_record
from listkeeper.standards.dns import LiveResolver, StaticResolver
from tests.fakes.dns_server import DnsServer
from tests.makers.domain_zones import DOMAIN, EIGHT, INCLUDED, IP, K512, K1024, NOW, OTHER, OURS, WRONG, Zone, zone
from tests.unit.deliverability.conftest import audited, codes_of, the_one

# In the order in which a receiver would come to them.
_RIGHT = [
    "X1",
    "S1",
    "S2",
    "S4",
    "G1",
    "S6",
    "K1",
    "K2",
    "K3",
    "D1",
    "D3",
    "D4",
    "D5",
    "G2",
    "G3",
    "S8",
    "T1",
    "T2",
    "B1",
]


def test_a_right_zone_is_right_in_words_with_what_was_seen_where_and_when(server: DnsServer) -> None:
    found = audited(server, zone())
    assert [(one.code, one.severity) for one in found] == [(code, Severity.INFO) for code in _RIGHT]
    assert finding.exit_code(found) == 0
    record = the_one(found, "S1")
    assert record.evidence.splitlines() == [
        'shop.example TXT "site-verification=x"',
        f'shop.example TXT "v=spf1 mx ip4:{IP} -all"',
        f"asked {server.address} at 2026-11-23T08:00:00.000Z",
    ]
    assert the_one(found, "G1").message == f"SPF lets mail from {IP} pass, by ip4:{IP}."
    assert the_one(found, "K3").evidence.count(OURS.fingerprint) == 2


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_zone_is_named_by_a_finding_of_its_own(server: DnsServer, name: str) -> None:
    wrong = WRONG[name]
    found = audited(server, wrong.zone)
    assert codes_of(found, Verdict.WRONG) == {wrong.code: wrong.severity}
    named = [one for one in found if one.verdict is Verdict.WRONG]
    assert all(one.message.endswith(".") for one in named)
    assert all(server.address in one.evidence or one.code == "G1" for one in named)
    if wrong.mend:
        assert {one.mend for one in named} == {wrong.mend}


@pytest.mark.parametrize("name", [name for name, wrong in WRONG.items() if wrong.mend.startswith("v=spf1")])
def test_what_we_tell_to_publish_is_right_once_published(server: DnsServer, name: str) -> None:
    wrong = WRONG[name]
    mended = wrong.zone | {DOMAIN: wrong.zone[DOMAIN] | {"TXT": [wrong.mend]}}
    assert codes_of(audited(server, mended), Verdict.WRONG, Verdict.UNKNOWN) == {}
    zone = StaticResolver(mended)
    assert isinstance(spf_record.parse(wrong.mend), spf_record.Record)
    assert spf.check_host(IP, DOMAIN, f"a@{DOMAIN}", DOMAIN, zone).result is spf.Result.PASS


@pytest.mark.parametrize(
    ("at", "severity"),
    [
        ({"MX": ["10 mx.shop.example"]}, Severity.INFO),
        ({"A": ["192.0.2.9"]}, Severity.INFO),
        ({"MX": ["0 ."]}, Severity.ERROR),
        ({}, Severity.ERROR),
    ],
)
def test_what_could_not_be_delivered_must_be_able_to_come_back(
    server: DnsServer, at: dict[str, list[str]], severity: Severity
) -> None:
    more: Zone = {"bounce.shop.example": {"TXT": [f"v=spf1 ip4:{IP} -all"], **at}}
    found = audited(server, zone(more=more), mail_from="b+1@bounce.shop.example")
    assert the_one(found, "F14").severity is severity
    assert codes_of(found, Verdict.WRONG) == ({"F14": severity} if severity is Severity.ERROR else {})


def test_whether_it_comes_back_is_unknown_where_the_dns_is_silent() -> None:
    records = zone(more={"bounce.shop.example": {"TXT": [f"v=spf1 ip4:{IP} -all"]}})
    del records["bounce.shop.example"]
    silent = StaticResolver(records, failing=["bounce.shop.example"])
    found = dns_audit.audit(DOMAIN, silent, dkim=OURS, now=NOW, mail_from="b+1@bounce.shop.example")
    assert the_one(found, "F14").severity is Severity.UNKNOWN


def test_a_name_that_does_not_exist_has_one_finding_and_no_more(server: DnsServer) -> None:
    [only] = audited(server, {})
    assert (only.code, only.verdict) == ("X1", Verdict.WRONG)
    assert only.message == "The domain shop.example does not exist. Check how it is spelled."


def test_a_silent_server_makes_every_check_unknown_and_says_why(server: DnsServer) -> None:
    server.silent.add("*")
    began = time.monotonic()
    found = audited(server, zone(), timeout=0.3)
    assert time.monotonic() - began < 3
    assert {one.verdict for one in found} == {Verdict.UNKNOWN}
    assert [one.code for one in found] == ["X1", "S1", "K1", "D1", "G2", "G3", "T1", "T2", "B1"]
    assert all("no answer in time" in one.message for one in found)
    assert finding.exit_code(found) == 3
    began = time.monotonic()
    assert {one.verdict for one in audited(server, zone(), timeout=0.3, dkim=None)} == {Verdict.UNKNOWN}
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("_dmarc.shop.example", ["D1", "G2"]),
        ("lk1._domainkey.shop.example", ["K1"]),
        ("s1.example", ["S2"]),
        ("mx.shop.example", ["X1d", "G1"]),
        ("10.2.0.192.in-addr.arpa", ["G3"]),
        ("_mta-sts.shop.example", ["T1"]),
        ("_smtp._tls.shop.example", ["T2"]),
        ("default._bimi.shop.example", ["B1"]),
    ],
)
def test_trouble_with_one_name_makes_no_other_check_unknown(server: DnsServer, name: str, codes: list[str]) -> None:
    server.refused.add(name)
    code = codes[0]
    # Our address stands last, so that the evaluation passes the name in trouble.
    record = f"v=spf1 mx ip4:{IP} include:s1.example -all" if code == "S2" else f"v=spf1 mx ip4:{IP} -all"
    found = audited(server, zone([record], more=INCLUDED), timeout=0.3)
    assert codes_of(found, Verdict.WRONG) == {}
    assert codes_of(found, Verdict.UNKNOWN) == dict.fromkeys(codes, Severity.UNKNOWN)
    assert "SERVFAIL" in the_one(found, code).message


def test_without_an_address_to_send_from_nothing_is_concluded(server: DnsServer) -> None:
    found = audited(server, zone(["v=spf1 mx -all"]), egress=[])
    assert codes_of(found, Verdict.WRONG) == {}
    assert codes_of(found, Verdict.UNKNOWN) == {"G1": Severity.UNKNOWN, "G3": Severity.UNKNOWN}
    assert "is not known" in the_one(found, "G1").message
    missing = audited(server, zone([]), egress=[])
    assert the_one(missing, "S1").mend == "v=spf1 mx ~all"


def test_every_address_we_send_from_is_evaluated(server: DnsServer) -> None:
    found = audited(server, zone(), egress=[IP, "2001:db8::10"])
    assert [(one.code, one.severity) for one in found if one.code == "G1"] == [
        ("G1", Severity.INFO),
        ("G1", Severity.BLOCK),
    ]
    [refused] = [one for one in found if one.severity is Severity.BLOCK]
    assert refused.mend == f"v=spf1 mx ip4:{IP} ip6:2001:db8::10 -all"


def test_the_envelopes_domain_is_evaluated_and_the_from_domain_only_read(server: DnsServer) -> None:
    more: Zone = {"bounce.shop.example": {"TXT": [f"v=spf1 ip4:{IP} -all"], "MX": ["10 mx.shop.example"]}}
    found = audited(server, zone(["v=spf1 mx -all"], more=more), mail_from="b+1@bounce.shop.example")
    assert codes_of(found, Verdict.WRONG, Verdict.UNKNOWN) == {}
    assert [one.subject for one in found if one.code == "S1"] == ["bounce.shop.example", "shop.example"]
    assert [one.subject for one in found if one.code == "G1"] == ["bounce.shop.example"]


@pytest.mark.parametrize(
    ("record", "severity"), [(K512, Severity.BLOCK), (K1024, Severity.WARN), (OTHER.record, Severity.INFO)]
)
def test_the_length_of_a_key_at_a_named_selector(server: DnsServer, record: str, severity: Severity) -> None:
    records = zone(more={"s2025._domainkey.shop.example": {"TXT": [record]}})
    found = audited(server, records, dkim=None, selectors=["s2025"])
    assert the_one(found, "K2").severity is severity
    assert the_one(found, "K2").subject == "s2025._domainkey.shop.example"


def test_another_key_shows_both_fingerprints(server: DnsServer) -> None:
    shown = the_one(audited(server, zone(key=[OTHER.record])), "K3").evidence
    assert OURS.fingerprint in shown
    assert OTHER.fingerprint in shown


def test_without_a_key_of_ours_the_usual_selectors_are_looked_at(server: DnsServer) -> None:
    found = audited(server, zone(more={"google._domainkey.shop.example": {"TXT": [OTHER.record]}}), dkim=None)
    assert the_one(found, "K1").subject == "google._domainkey.shop.example"
    assert the_one(found, "K3").verdict is Verdict.UNKNOWN
    none = audited(server, zone(), dkim=None)
    assert {one.code: one.verdict for one in none if one.code[0] == "K"} == {
        "K1": Verdict.UNKNOWN,
        "K3": Verdict.UNKNOWN,
    }


def test_for_a_sub_domain_the_record_of_the_domain_above_counts(server: DnsServer) -> None:
    records = zone(more={"news.shop.example": {"TXT": [f"v=spf1 ip4:{IP} -all"], "MX": ["10 mx.shop.example"]}})
    server.publish(records)
    found = dns_audit.audit("news.shop.example", LiveResolver(server.address), egress=[IP], now=NOW)
    assert the_one(found, "D1").message == (
        "There is no DMARC record at _dmarc.news.shop.example, so the one at _dmarc.shop.example counts."
    )
    assert codes_of(found, Verdict.WRONG) == {}


def test_hostile_bytes_in_a_record_are_shown_as_escapes(server: DnsServer) -> None:
    found = dns_audit.audit(
        DOMAIN, StaticResolver({DOMAIN: {"TXT": ["v=spf1 \x1b[2J<b>\xff -all"], "MX": ["10 a.example"]}}), now=NOW
    )
    shown = the_one(found, "S5")
    assert "\\x1b" in shown.evidence
    assert shown.evidence.isascii()
    assert "\x1b" not in shown.message


def test_an_egress_that_is_no_address_is_refused(server: DnsServer) -> None:
    with pytest.raises(Invalid) as refused:
        audited(server, zone(), egress=["mail.shop.example"])
    assert refused.value.code == "ip"


def test_a_cold_domain_takes_under_two_seconds_with_a_slow_server(server: DnsServer) -> None:
    server.delay = 0.1
    more = INCLUDED | {"s0.example": {"TXT": ["v=spf1 include:s9.example ?all"]}}
    record = f"v=spf1 mx ip4:{IP} {EIGHT} -all"
    began = time.monotonic()
    found = audited(server, zone([record], more=more))
    assert time.monotonic() - began < 2
    assert codes_of(found, Verdict.WRONG) == {"S2b": Severity.WARN}
    assert len(server.asked) == len(set(server.asked))


def test_findings_speak_the_language_of_who_asks(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    text = language.text

    def listen(message: str, /, **values: object) -> str:
        said.append(language.current())
        return text(message, **values)

    monkeypatch.setattr(language, "text", listen)
    server.refused.add("s1.example")
    with language.using("da"):
        audited(server, zone([f"v=spf1 include:s1.example ip4:{IP} -all"], more=INCLUDED), timeout=0.3)
    # Also the reasons that are made in the threads which ask the DNS.
    assert set(said) == {"da"}
