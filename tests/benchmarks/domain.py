"""The report of a sending domain, cold and warm, from a DNS server on loopback that thinks 50 ms about each answer.

The bars are two seconds cold, with questions asked side by side and each name server by itself, and 50 ms warm,
where all answers are known and no name server is asked.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listkeeper.deliverability import dns_audit
from listkeeper.deliverability.surroundings import NOTHING_KNOWN, Surroundings
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dns import LiveResolver, Remembering
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure
from tests.fakes import dns_server

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_ANSWER_SECONDS = 0.05
_IP = "192.0.2.1"
_ZONE = {
    "cafe.example": {
        "NS": ["ns1.cafe.example", "ns2.cafe.example"],
        "SOA": ["ns1.cafe.example. host.cafe.example. 1 7200 3600 1209600 3600"],
    },
    "ns1.cafe.example": {"A": ["192.0.2.53"]},
    "ns2.cafe.example": {"A": ["192.0.2.54"]},
    "_smtp._tls.news.cafe.example": {"TXT": ["v=TLSRPTv1; rua=mailto:tls@cafe.example"]},
    "news.cafe.example": {
        "TXT": ["v=spf1 mx a:out.cafe.example include:_spf.one.example include:_spf.two.example -all"],
        "MX": ["10 mail.cafe.example", "20 mail2.cafe.example"],
    },
    "mail.cafe.example": {"A": ["192.0.2.9"]},
    "mail2.cafe.example": {"A": ["192.0.2.10"]},
    "out.cafe.example": {"A": [_IP], "TXT": ["v=spf1 a -all"]},
    "_spf.one.example": {"TXT": ["v=spf1 include:_a.one.example include:_b.one.example ~all"]},
    "_a.one.example": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ~all"]},
    "_b.one.example": {"TXT": ["v=spf1 ip4:203.0.113.0/24 ~all"]},
    "_spf.two.example": {"TXT": [f"v=spf1 ip4:{_IP} ~all"]},
    "_dmarc.news.cafe.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:reports@cafe.example"]},
    "_dmarc.cafe.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:reports@cafe.example"]},
    "lk1._domainkey.news.cafe.example": {"TXT": [dkim_key_record.record_for(Ed25519PrivateKey.generate())]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["out.cafe.example"]},
}


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Judge the same domain with nothing known, and again with every answer at hand."""
    del full
    with dns_server.serving(_ZONE) as server:
        server.delay = _ANSWER_SECONDS
        known = Remembering(LiveResolver(server.address))
        each = Surroundings(connect=lambda _: LiveResolver(server.address))
        findings = _audit(known, each)
        asked = len(server.asked)
        cold = figure.compare(
            f"{name} cold", "ms", lambda: _milliseconds(LiveResolver(server.address), each), None, repeats=repeats,
            limit_is="the bar is 2,000 ms", note=f"{asked} questions, 50 ms each; {findings} findings",
        )  # fmt: skip
        warm = figure.compare(
            f"{name} warm", "ms", lambda: _milliseconds(known), None, repeats=repeats, limit_is="the bar is 50 ms",
            note="the same, with every answer known",
        )  # fmt: skip
    return [cold, warm]


def _audit(resolver: LiveResolver | Remembering, around: Surroundings = NOTHING_KNOWN) -> int:
    found = dns_audit.audit("news.cafe.example", resolver, egress=[_IP], selectors=["lk1"], now=_NOW, around=around)
    return len(found)


def _milliseconds(resolver: LiveResolver | Remembering, around: Surroundings = NOTHING_KNOWN) -> float:
    start = time.perf_counter()
    _audit(resolver, around)
    return (time.perf_counter() - start) * 1000
