"""MTA-STS and TLS-RPT of a domain, with a web server that is only told what to say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import transport_audit
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import fetch
from listkeeper.standards.dns import StaticResolver

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_DOMAIN = "shop.example"
_POLICY = b"version: STSv1\nmode: enforce\nmx: *.shop.example\nmax_age: 86400\n"
_ZONE: dict[str, dict[str, list[str]]] = {
    _DOMAIN: {"MX": ["10 mx1.shop.example", "20 mx2.shop.example"]},
    f"_mta-sts.{_DOMAIN}": {"TXT": ["v=STSv1; id=1"]},
    f"_smtp._tls.{_DOMAIN}": {"TXT": ["v=TLSRPTv1; rua=mailto:tls@shop.example"]},
}


class _Reader:
    """A web server that gives one answer, and remembers what it was asked for."""

    def __init__(self, said: fetch.Answer | fetch.Refused | fetch.Unreachable) -> None:
        self.said = said
        self.asked: list[str] = []

    def get(self, url: str, /) -> fetch.Answer | fetch.Refused | fetch.Unreachable:
        self.asked.append(url)
        return self.said


def _page(body: bytes, status: int = 200) -> _Reader:
    return _Reader(fetch.Answer(status, {}, body))


def _audit(reader: _Reader | None, *failing: str, **changed: list[str]) -> list[Finding]:
    """Audit the right zone; ``sts``, ``tls`` and ``mx`` put other records in place."""
    zone = {name: dict(at) for name, at in _ZONE.items()}
    places = {"sts": (f"_mta-sts.{_DOMAIN}", "TXT"), "tls": (f"_smtp._tls.{_DOMAIN}", "TXT"), "mx": (_DOMAIN, "MX")}
    for word, records in changed.items():
        name, kind = places[word]
        zone[name] = {kind: records}
    for name in failing:
        zone.pop(name)
    return transport_audit.audit(_DOMAIN, StaticResolver(zone, failing=failing), _NOW, reader=reader)


def _codes(found: list[Finding]) -> list[tuple[str, Severity]]:
    return [(one.code, one.severity) for one in found]


def test_a_right_policy_is_compared_with_the_mail_hosts() -> None:
    reader = _page(_POLICY)
    found = _audit(reader)
    assert _codes(found) == [("T1", Severity.INFO), ("T2", Severity.INFO)]
    assert reader.asked == ["https://mta-sts.shop.example/.well-known/mta-sts.txt"]
    assert found[0].message == "shop.example has an MTA-STS policy that fits its mail hosts; its mode is enforce."
    assert "mx: *.shop.example" in found[0].evidence.splitlines()
    assert found[1].message == "Reports on encryption go to mailto:tls@shop.example."


def test_hosts_the_policy_leaves_out_are_named_with_their_lines() -> None:
    [sts, _] = _audit(_page(_POLICY), mx=["10 mx1.shop.example", "20 mail.other.example"])
    assert (sts.code, sts.mend) == ("T1c", "mx: mail.other.example")
    assert "mail.other.example" in sts.message
    [off, _] = _audit(_page(_POLICY.replace(b"enforce", b"none")), mx=["10 mail.other.example"])
    assert off.code == "T1"
    [none, _] = _audit(_page(_POLICY), mx=[])
    assert (none.code, none.mend) == ("T1c", "mx: shop.example")


@pytest.mark.parametrize(
    "reader",
    [
        _page(b"", 404),
        _page(_POLICY, 301),
        _page(b"<html>"),
        _page(_POLICY.replace(b"enforce", b"maybe")),
        _page(b"\xff"),
    ],
)
def test_a_policy_that_is_not_there_or_cannot_be_read_counts_for_nothing(reader: _Reader) -> None:
    [sts, _] = _audit(reader)
    assert (sts.code, sts.severity) == ("T1b", Severity.INFO)
    assert "counts for nothing" in sts.message
    assert sts.mend


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        (None, "web servers were not asked"),
        (_Reader(fetch.Unreachable("no answer in time")), "no answer in time"),
        (_Reader(fetch.Refused("it lies in a private network")), "it lies in a private network"),
    ],
)
def test_a_policy_that_was_not_read_is_unknown(reader: _Reader | None, reason: str) -> None:
    [sts, _] = _audit(reader)
    assert (sts.code, sts.severity) == ("T1", Severity.UNKNOWN)
    assert sts.message.endswith(f"says: {reason}.")


def test_without_records_nothing_is_wrong_and_nothing_is_fetched() -> None:
    reader = _page(_POLICY)
    found = _audit(reader, sts=["other"], tls=[])
    assert _codes(found) == [("T1", Severity.INFO), ("T2", Severity.INFO)]
    assert reader.asked == []
    assert "does not ask" in found[0].message
    assert "does not ask" in found[1].message


def test_broken_records_say_why_and_how_to_mend() -> None:
    found = _audit(_page(_POLICY), sts=["v=STSv1"], tls=["v=TLSRPTv1; rua=me"])
    assert _codes(found) == [("T1a", Severity.INFO), ("T2a", Severity.INFO)]
    assert found[0].mend == "v=STSv1; id=20261123080000"
    assert found[1].mend == "v=TLSRPTv1; rua=mailto:tls-reports@shop.example"
    assert "id= must be there" in found[0].message


def test_a_silent_dns_is_unknown() -> None:
    found = _audit(_page(_POLICY), f"_mta-sts.{_DOMAIN}", f"_smtp._tls.{_DOMAIN}")
    assert _codes(found) == [("T1", Severity.UNKNOWN), ("T2", Severity.UNKNOWN)]
    [sts, _] = _audit(_page(_POLICY), _DOMAIN)
    assert (sts.code, sts.severity) == ("T1", Severity.UNKNOWN)
    assert "no answer in time" in sts.message


def test_what_a_stranger_wrote_is_shown_as_printable_ascii() -> None:
    [sts, _] = _audit(_page(b"version: STSv1\n\x1b[31mred\xc3\xa5\n" * 50))
    assert sts.evidence.isascii()
    assert "\x1b" not in sts.evidence
    assert len(sts.evidence.splitlines()) < 50
