"""The names of the machines our mail leaves from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.deliverability import host_audit
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.standards import dns
from listkeeper.standards.dns import LiveResolver, StaticResolver, Zone
from tests.fakes import dns_server

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_IP, _HOST = "192.0.2.7", "mail.shop.example"
_PTR = dns.reverse_name(_IP)
_RIGHT: dict[str, dict[str, list[str]]] = {_PTR: {"PTR": [_HOST]}, _HOST: {"A": [_IP]}}


def _codes(found: list[Finding]) -> list[tuple[str, Severity]]:
    return [(one.code, one.severity) for one in found]


def _audit(zone: Zone, *failing: str, ehlo: str | None = _HOST) -> list[Finding]:
    return host_audit.audit([_IP], ehlo, StaticResolver(zone, failing=failing), _NOW)


def test_a_name_that_leads_back_is_right_over_a_real_server() -> None:
    with dns_server.serving(_RIGHT) as server:
        found = host_audit.audit([_IP, _IP], _HOST, LiveResolver(server.address), _NOW)
    assert _codes(found) == [("G3", Severity.INFO), ("G3c", Severity.INFO)]
    assert found[0].message == "The name of 192.0.2.7 is mail.shop.example and leads back to it, as it must."
    assert f'{_PTR} PTR "{_HOST}"' in found[0].evidence
    assert f"asked {server.address} at 2026-11-23T08:00:00.000Z" in found[0].evidence


def test_each_way_to_be_wrong_has_its_own_finding_and_a_mend() -> None:
    [missing, greeting] = _audit({_HOST: {"A": [_IP]}})
    assert _codes([missing, greeting]) == [("G3", Severity.ERROR), ("G3c", Severity.INFO)]
    assert missing.mend.endswith(f"{_PTR} PTR {_HOST}")
    [elsewhere, _] = _audit({**_RIGHT, _HOST: {"A": ["192.0.2.8"]}})
    assert _codes([elsewhere]) == [("G3a", Severity.ERROR)]
    assert elsewhere.mend.endswith(f"{_HOST} A {_IP}")
    counted = "192-0-2-7.isp.example"
    found = _audit({**_RIGHT, _PTR: {"PTR": [counted]}, counted: {"A": [_IP]}})
    assert _codes(found) == [("G3", Severity.INFO), ("G3b", Severity.WARN), ("G3c", Severity.INFO)]
    found = _audit(_RIGHT, ehlo="nowhere.shop.example")
    assert _codes(found) == [("G3", Severity.INFO), ("G3c", Severity.ERROR)]


def test_one_good_name_beside_a_counted_one_is_enough() -> None:
    counted = "192-0-2-7.isp.example"
    found = _audit({**_RIGHT, _PTR: {"PTR": [counted, _HOST]}, counted: {"A": [_IP]}})
    assert _codes(found) == [("G3", Severity.INFO), ("G3c", Severity.INFO)]


def test_the_mend_names_no_host_where_none_is_known() -> None:
    [missing] = _audit({}, ehlo=None)
    assert missing.mend.endswith(f"{_PTR} PTR mail.example.com")


@pytest.mark.parametrize("literal", ["192.0.2.7", "[192.0.2.7]", "[IPv6:2001:db8::7]"])
def test_a_number_is_no_name_to_greet_with(literal: str) -> None:
    assert _codes(_audit(_RIGHT, ehlo=literal)) == [("G3", Severity.INFO), ("G3c", Severity.WARN)]


@pytest.mark.parametrize("failing", [(_PTR, _HOST), (_HOST,)])
def test_a_silent_dns_is_unknown_and_never_wrong(failing: tuple[str, ...]) -> None:
    zone: Zone = {} if _PTR in failing else {_PTR: {"PTR": [_HOST]}}
    found = _audit(zone, *failing)
    assert _codes(found) == [("G3", Severity.UNKNOWN), ("G3c", Severity.UNKNOWN)]
    assert all("no answer in time" in one.message for one in found)


def test_through_a_relay_there_is_nothing_of_ours_to_check() -> None:
    found = host_audit.audit([_IP], _HOST, StaticResolver({}), _NOW, through_relay=True)
    assert _codes(found) == [("G3", Severity.INFO)]
    assert "relay" in found[0].message


def test_an_address_that_is_not_known_is_unknown() -> None:
    found = host_audit.audit([], _HOST, StaticResolver(_RIGHT), _NOW)
    assert _codes(found) == [("G3", Severity.UNKNOWN), ("G3c", Severity.INFO)]
