"""The scorecard: a cell passes by what was seen, fails by what is wrong, and else is not known yet."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.deliverability import dns_audit, readiness
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.readiness import Provider, Scorecard
from listkeeper.deliverability.readiness_cell import State
from listkeeper.deliverability.surroundings import Surroundings
from listkeeper.standards.dns import StaticResolver
from tests.makers import domain_zones
from tests.makers.domain_zones import DOMAIN, IP, NOW, OURS, WRONG, Zone

_GMAIL, _YAHOO, _MICROSOFT, _APPLE = Provider
_ROWS = ["G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G10", "G11", "M1", "M2", "A1", "Y1"]


def _audit(zone: Zone, **options: object) -> list[Finding]:
    asked: dict[str, object] = {"egress": [IP], "dkim": OURS, "now": NOW} | options
    # As an answer holds it, the host of a null MX is empty.
    shown = {name: {kind: [each.replace("0 .", "0 ") for each in at[kind]] for kind in at} for name, at in zone.items()}
    return dns_audit.audit(DOMAIN, StaticResolver(shown), **asked)  # type: ignore[arg-type]


def _states(card: Scorecard, provider: Provider) -> dict[str, State]:
    return {row.code: row.cells[provider].state for row in card.rows}


def _says(card: Scorecard, code: str) -> set[State]:
    [row] = [row for row in card.rows if row.code == code]
    return {cell.state for cell in row.cells.values()} - {State.NOT_ASKED}


def test_nothing_known_passes_only_by_what_the_program_itself_does() -> None:
    card = readiness.scorecard([])
    assert [row.code for row in card.rows] == _ROWS
    for provider in Provider:
        passed = {code for code, state in _states(card, provider).items() if state is State.PASS}
        assert passed <= {"G7", "G8", "G11"}
        assert State.FAIL not in _states(card, provider).values()
    assert all(cell.words for row in card.rows for cell in row.cells.values() if cell.state is State.UNKNOWN)


def test_a_right_zone_and_known_numbers_pass_everywhere_each_cell_with_its_evidence() -> None:
    card = readiness.scorecard(
        _audit(domain_zones.zone()),
        from_domain=DOMAIN,
        complaint_rate=0.0004,
        yahoo_complaint_rate=0.002,
        encrypted=True,
        gmail_last_day=120,
        yahoo_loop=True,
    )
    for provider in Provider:
        assert set(_states(card, provider).values()) <= {State.PASS, State.NOT_ASKED}
    assert [card.count(one, State.PASS) for one in Provider] == [11, 6, 5, 6]
    shown = {row.code: {one.code for cell in row.cells.values() for one in cell.findings} for row in card.rows}
    assert {code: shown[code] for code in ("G1", "G2", "G3", "G6", "M2", "Y1")} == {
        "G1": {"G1", "K3"},
        "G2": {"D1", "G2"},
        "G3": {"G3"},
        "G6": {"K3"},
        "M2": {"X1"},
        "Y1": {"G1", "K3", "D1", "G2"},
    }
    assert all(one.evidence for row in card.rows for cell in row.cells.values() for one in cell.findings)
    assert json.loads(json.dumps(card.as_json()))["G5"]["cells"]["Gmail"]["words"].startswith("0.04 %")


@pytest.mark.parametrize(
    ("zone", "failing"),
    [
        ("no SPF record", {"G1", "M1", "A1", "Y1"}),
        ("SPF does not know our address", {"G1", "M1", "A1", "Y1"}),
        ("SPF lets everyone pass", {"G1", "M1", "A1", "Y1"}),
        ("DKIM key of another", {"G1", "G6", "M1", "A1", "Y1"}),
        ("DKIM key missing", {"G1", "G6", "M1", "A1", "Y1"}),
        ("no DMARC record", {"G2", "M1", "A1", "Y1"}),
        ("two DMARC records", {"G2", "M1", "A1", "Y1"}),
        ("no name for our address", {"G3", "A1"}),
        ("null MX", {"M2"}),
        ("MX that leads nowhere", {"M2"}),
        ("SPF says nothing of others", set()),
        ("DMARC policy none", set()),
        ("no MX", set()),
    ],
)
def test_what_is_wrong_fails_the_rows_that_rest_on_it_and_no_others(zone: str, failing: set[str]) -> None:
    wrong = WRONG[zone]
    card = readiness.scorecard(_audit(wrong.zone))
    failed = {row.code for row in card.rows if State.FAIL in _says(card, row.code)}
    assert failed == failing
    if failing:
        [row] = [row for row in card.rows if row.code == min(failing)]
        assert wrong.code in {one.code for cell in row.cells.values() for one in cell.findings}


def test_silence_is_not_known_and_fails_nothing() -> None:
    found = dns_audit.audit(DOMAIN, StaticResolver({}, failing=[DOMAIN]), egress=[IP], dkim=OURS, now=NOW)
    card = readiness.scorecard(found)
    assert {state for row in card.rows for state in _says(card, row.code)} == {State.UNKNOWN, State.PASS}
    assert _says(card, "G1") == _says(card, "G2") == _says(card, "M2") == {State.UNKNOWN}


def test_without_our_address_spf_is_not_known_though_its_record_is_right() -> None:
    card = readiness.scorecard(_audit(domain_zones.zone(), egress=[]))
    assert _says(card, "G1") == _says(card, "G3") == {State.UNKNOWN}
    relayed = readiness.scorecard(_audit(domain_zones.zone(), egress=[], around=Surroundings(through_relay=True)))
    # The relay's name is the relay's affair: nobody says that it is right.
    assert _says(relayed, "G3") == set()


def test_a_wrong_key_of_somebody_else_does_not_spoil_ours() -> None:
    found = _audit(domain_zones.zone(), selectors=["gone"])
    assert {one.severity for one in found if one.code == "K1"} == {Severity.INFO, Severity.ERROR}
    assert _says(readiness.scorecard(found), "G1") == {State.PASS}


@pytest.mark.parametrize(
    ("rate", "gmail", "yahoo"),
    [
        (0.0, State.PASS, State.PASS),
        (0.00099, State.PASS, State.PASS),
        (0.001, State.FAIL, State.PASS),
        (0.00299, State.FAIL, State.PASS),
        (0.003, State.FAIL, State.FAIL),
        (1.0, State.FAIL, State.FAIL),
    ],
)
def test_how_many_readers_may_report_it(rate: float, gmail: State, yahoo: State) -> None:
    card = readiness.scorecard([], complaint_rate=rate, yahoo_complaint_rate=rate)
    [row] = [row for row in card.rows if row.code == "G5"]
    assert (row.cells[_GMAIL].state, row.cells[_YAHOO].state) == (gmail, yahoo)
    assert row.cells[_MICROSOFT].state is row.cells[_APPLE].state is State.NOT_ASKED


@pytest.mark.parametrize(("domain", "state"), [("gmail.com", State.FAIL), ("shop.example", State.PASS)])
def test_a_domain_of_a_mailbox_provider_is_not_ours(domain: str, state: State) -> None:
    assert _says(readiness.scorecard([], from_domain=domain), "G9") == {state}


@pytest.mark.parametrize(("encrypted", "state"), [(True, State.PASS), (False, State.FAIL), (None, State.UNKNOWN)])
def test_encryption_is_known_from_results_alone(encrypted: bool | None, state: State) -> None:
    assert _says(readiness.scorecard([], encrypted=encrypted), "G4") == {state}


@pytest.mark.parametrize("number", [4_999, 5_000])
def test_the_bulk_limit_is_told(number: int) -> None:
    card = readiness.scorecard([], gmail_last_day=number)
    [row] = [row for row in card.rows if row.code == "G10"]
    assert ("all rows here apply" in row.cells[_GMAIL].words) is (number >= 5_000)


_FINDINGS = st.builds(
    Finding,
    st.sampled_from(["X1", "X1b", "S1", "S2a", "G1", "K1", "K2", "K3", "D1", "D2", "G2", "G3", "U1", "F3", "T1"]),
    st.sampled_from(Severity),
    st.sampled_from(["shop.example", "lk1._domainkey.shop.example"]),
    st.just("Words."),
    st.sampled_from(["", "seen"]),
)


@given(st.lists(_FINDINGS, max_size=20))
def test_no_findings_make_a_cell_pass_that_one_of_them_contradicts(findings: list[Finding]) -> None:
    card = readiness.scorecard(findings)
    for row in card.rows:
        for cell in row.cells.values():
            worst = {one.severity for one in cell.findings}
            if cell.state is State.PASS:
                assert not worst & {Severity.ERROR, Severity.BLOCK, Severity.UNKNOWN}
                assert all(one.evidence for one in cell.findings)
            if cell.state is State.FAIL:
                assert worst & {Severity.ERROR, Severity.BLOCK}
