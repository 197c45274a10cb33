"""The order of badness, what a command ends with, and a finding as it is stored."""

from __future__ import annotations

import pytest

from listkeeper.deliverability import finding
from listkeeper.deliverability.finding import Finding, Severity, Verdict


def _finding(severity: Severity, code: str = "S1", mend: str = "v=spf1 -all") -> Finding:
    return Finding(code, severity, "shop.example", "One sentence.", "seen", mend, "RFC 7208")


def test_exit_codes_rise_with_badness_and_stay_clear_of_a_crash() -> None:
    codes = [severity.exit_code for severity in sorted(Severity, key=lambda severity: severity.rank)]
    assert codes == [0, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ([], 0),
        ([Severity.INFO], 0),
        ([Severity.INFO, Severity.UNKNOWN], 3),
        ([Severity.WARN, Severity.UNKNOWN], 4),
        ([Severity.ERROR, Severity.WARN, Severity.INFO], 5),
        ([Severity.INFO, Severity.BLOCK, Severity.ERROR], 6),
    ],
)
def test_the_worst_finding_decides_what_a_command_ends_with(severities: list[Severity], code: int) -> None:
    assert finding.exit_code([_finding(severity) for severity in severities]) == code


@pytest.mark.parametrize(
    ("severity", "verdict"),
    [
        (Severity.INFO, Verdict.RIGHT),
        (Severity.UNKNOWN, Verdict.UNKNOWN),
        (Severity.WARN, Verdict.WRONG),
        (Severity.ERROR, Verdict.WRONG),
        (Severity.BLOCK, Verdict.WRONG),
    ],
)
def test_every_finding_is_right_wrong_or_unknown(severity: Severity, verdict: Verdict) -> None:
    assert _finding(severity, mend="").verdict is verdict
    assert _finding(severity).verdict is (Verdict.ADVICE if verdict is Verdict.RIGHT else verdict)


@pytest.mark.parametrize(
    ("code", "row", "minor"),
    [("S2a", "S2", False), ("X4b", "X4", True), ("T1", "T1", True), ("K1d", "K1", False), ("G1", "G1", False)],
)
def test_a_code_is_a_row_and_an_outcome_of_it(code: str, row: str, minor: bool) -> None:
    found = _finding(Severity.UNKNOWN, code)
    assert (found.row, found.is_minor) == (row, minor)


@pytest.mark.parametrize("severity", Severity)
def test_a_finding_survives_being_stored(severity: Severity) -> None:
    stored = finding.as_json(_finding(severity))
    assert {"code", "severity", "message", "evidence"} <= set(stored)
    assert all(type(value) is str for value in stored.values())
    assert finding.from_json(stored) == _finding(severity)
