"""One cell of the scorecard: a rule kept, broken or not known yet, made from the findings it rests on.

A cell passes only by a finding that looked and proves it. A finding that is
missing, or that saw nothing, proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.foundation import language


class State(StrEnum):
    """What a cell says. NOT_ASKED: this provider has no such rule, or it is not ours to keep."""

    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Cell:
    """What is said of one rule, why in words, and the findings it rests on; a fact of the program rests on none."""

    state: State
    words: str = ""
    findings: tuple[Finding, ...] = ()


NOT_ASKED = Cell(State.NOT_ASKED)


def passes(words: str) -> Cell:
    """Return a cell that passes by what the program does, or by a number that was told."""
    return Cell(State.PASS, words)


def fails(words: str) -> Cell:
    """Return a cell that fails by a number or a name that was told."""
    return Cell(State.FAIL, words)


def unknown(words: str) -> Cell:
    """Return a cell that waits for something."""
    return Cell(State.UNKNOWN, words)


def rests_on(findings: Iterable[Finding], rows: Collection[str], proofs: Collection[str]) -> Cell:
    """Return the cell of a rule that the findings of some rows decide; it passes when all the ``proofs`` are there."""
    about = [one for one in findings if one.row in rows]
    if broken := [one for one in about if one.severity.rank >= Severity.ERROR.rank]:
        return _by(State.FAIL, broken)
    if open_ones := [one for one in about if one.severity is Severity.UNKNOWN]:
        return _by(State.UNKNOWN, open_ones)
    proved = [one for one in about if one.code in proofs and one.evidence]
    if {one.code for one in proved} != set(proofs):
        return unknown(language.text("This was not looked at yet."))
    return _by(State.PASS, proved)


def _by(state: State, findings: Sequence[Finding]) -> Cell:
    return Cell(state, " ".join(dict.fromkeys(one.message for one in findings)), tuple(findings))


def together(*cells: Cell) -> Cell:
    """Return what several rules come to: the worst of them, and why. What is not asked changes nothing."""
    for state in (State.FAIL, State.UNKNOWN, State.PASS):
        of_state = [cell for cell in cells if cell.state is state]
        if of_state:
            words = " ".join(dict.fromkeys(filter(None, (cell.words for cell in of_state))))
            found = dict.fromkeys(one for cell in of_state for one in cell.findings)
            return Cell(state, words, tuple(found))
    return NOT_ASKED


def spf(findings: Sequence[Finding]) -> Cell:
    """Return whether SPF lets our addresses pass."""
    return rests_on(findings, {"S1", "S2", "S3", "S4", "S5", "G1"}, {"G1"})


def dkim(findings: Sequence[Finding]) -> Cell:
    """Return whether receivers find the key we sign with; keys of others that were looked at change nothing."""
    ours = next((one.subject for one in findings if one.code == "K3" and one.verdict is Verdict.RIGHT), None)
    keys = [one for one in findings if one.row[0] == "K" and (ours is None or one.subject == ours)]
    return rests_on(keys, {"K1", "K2", "K3"}, {"K3"})


def dmarc(findings: Sequence[Finding]) -> Cell:
    """Return whether there is a DMARC record and our mail can pass by it."""
    return rests_on(findings, {"D1", "D2", "D3", "D4", "G2"}, {"D1", "G2"})


def names_of_hosts(findings: Sequence[Finding]) -> Cell:
    """Return whether our addresses have names that lead back to them; through a relay they are not ours."""
    about = [one for one in findings if one.row == "G3"]
    if about and all(one.severity is Severity.INFO and not one.evidence for one in about):
        return Cell(State.NOT_ASKED, about[0].message, tuple(about))
    return rests_on(about, {"G3"}, {"G3"})


def takes_answers(findings: Sequence[Finding]) -> Cell:
    """Return whether From can receive mail (M2): by an MX record or an address, and not by a null MX."""
    about = [one for one in findings if one.row == "X1"]
    return rests_on(about, {"X1"}, {one.code for one in about} or {"X1"})


def one_click(findings: Sequence[Finding]) -> Cell:
    """Return whether one click unsubscribes: every letter offers it, and it counts only where it is signed."""
    offered = passes(
        language.text("Every letter carries one-click unsubscribe, and the click counts in the same request.")
    )
    refused = [one for one in findings if one.row[0] == "U" and one.severity.rank >= Severity.ERROR.rank]
    return together(_by(State.FAIL, refused) if refused else offered, dkim(findings))
