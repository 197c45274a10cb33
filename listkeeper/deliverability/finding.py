"""One check's outcome: what was seen, how bad it is, and exactly what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_lowercase
from typing import Any

from listkeeper.foundation.errors import Invalid


class Severity(StrEnum):
    """How bad an outcome is. UNKNOWN is no fault: the check could not be made, and says why."""

    INFO = "INFO"
    UNKNOWN = "UNKNOWN"
    WARN = "WARN"
    ERROR = "ERROR"
    BLOCK = "BLOCK"

    @property
    def rank(self) -> int:
        """The place in the order of badness; higher is worse."""
        return _ORDER.index(self)

    @property
    def exit_code(self) -> int:
        """What a command ends with when this is the worst it found; a crash is 1, wrong arguments 2."""
        return _EXIT_CODES[self]


_ORDER = (Severity.INFO, Severity.UNKNOWN, Severity.WARN, Severity.ERROR, Severity.BLOCK)
_EXIT_CODES = {Severity.INFO: 0, Severity.UNKNOWN: 3, Severity.WARN: 4, Severity.ERROR: 5, Severity.BLOCK: 6}


class Verdict(StrEnum):
    """What the page says of a record."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    # Not wrong, and better done.
    ADVICE = "advice"


# Rows that never come to more than a warning: not to know them is no reason to wait, or to ask before a send.
_MINOR = frozenset({"S6", "S7", "S8", "D5", "T1", "T2", "B1", "X3", "X4"})


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    ``code`` is a row of the tables of checks and never changes its meaning.
    ``subject`` is what was looked at (a name, a header, a link), ``message``
    one sentence for the owner, ``evidence`` what was seen and where, ``mend``
    the exact record or setting that puts it right, ``reference`` the rule,
    ``place`` the field or block of a letter that it is about.
    """

    code: str
    severity: Severity
    subject: str
    message: str
    evidence: str = ""
    mend: str = ""
    reference: str = ""
    place: str = ""

    @property
    def verdict(self) -> Verdict:
        """Right, advice, wrong or unknown; a check that could not be made is never right.

        What is worth knowing and has a mend is advice: nothing is wrong, and it is worth doing.
        """
        match self.severity:
            case Severity.INFO:
                return Verdict.ADVICE if self.mend else Verdict.RIGHT
            case Severity.UNKNOWN:
                return Verdict.UNKNOWN
            case _:
                return Verdict.WRONG

    @property
    def row(self) -> str:
        """The row of the tables of checks: the code without the letter of its outcome."""
        return self.code.rstrip(ascii_lowercase)

    @property
    def is_minor(self) -> bool:
        """Whether nothing that this check could find has to be mended before mail leaves."""
        return self.row in _MINOR


def as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as commands print it and as it is stored."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "verdict": finding.verdict.value,
        "subject": finding.subject,
        "message": finding.message,
        "evidence": finding.evidence,
        "mend": finding.mend,
        "reference": finding.reference,
        **({"place": finding.place} if finding.place else {}),
    }


def from_json(stored: dict[str, Any]) -> Finding:
    """Read what ``as_json`` made."""
    return Finding(
        code=stored["code"],
        severity=Severity(stored["severity"]),
        subject=stored["subject"],
        message=stored["message"],
        evidence=stored["evidence"],
        mend=stored["mend"],
        reference=stored["reference"],
        place=stored.get("place", ""),
    )


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the worst severity there is, INFO when there is none."""
    return max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=Severity.INFO)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code of a command that found these."""
    return worst(findings).exit_code


def refuse_blocking(findings: Iterable[Finding]) -> None:
    """Raise Invalid when something blocks: the code of the first, the sentences of all."""
    blocking = [finding for finding in findings if finding.severity is Severity.BLOCK]
    if blocking:
        raise Invalid(blocking[0].code, " ".join(dict.fromkeys(finding.message for finding in blocking)))
