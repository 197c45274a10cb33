"""How a domain stood from day to day, as a small chart and in words, and one check as evidence for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from listkeeper.deliverability.domain_check import DomainCheck
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock
from listkeeper.web.studio import words
from listkeeper.web.studio.words import Said

DAYS = 30
# A check that says the same as the one before it is kept once a day.
MOST = 200
_BAR, _GAP, _HIGHEST, _STEP = 8, 2, 50, 10
_TONES = {
    Severity.INFO: "good",
    Severity.UNKNOWN: "",
    Severity.WARN: "warn",
    Severity.ERROR: "bad",
    Severity.BLOCK: "bad",
}


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in units of its own; a day without a check has no height."""

    day: date
    said: Said | None
    x: int
    y: int
    width: int
    height: int
    tone: str


def chart(checks: Sequence[DomainCheck]) -> list[Bar]:
    """Return the last thirty days, the oldest first, each with the worst its checks found."""
    worst: dict[date, Severity] = {}
    for check in checks:
        day = check.at.date()
        worst[day] = max(worst.get(day, check.worst), check.worst, key=lambda one: one.rank)
    first = clock.now().date() - timedelta(days=DAYS - 1)
    return [_bar(place, first + timedelta(days=place), worst) for place in range(DAYS)]


def _bar(place: int, day: date, worst: dict[date, Severity]) -> Bar:
    found = worst.get(day)
    height = _STEP * (found.rank + 1) if found is not None else 0
    tone = _TONES[found] if found is not None else ""
    said = words.severity(found) if found is not None else None
    return Bar(day, said, place * (_BAR + _GAP), _HIGHEST - height, _BAR, height, tone)


def changes(checks: Sequence[DomainCheck]) -> list[DomainCheck]:
    """Return the checks that saw a record change, the newest first."""
    return [check for check in checks if check.changes]


def evidence(domain: str, check: DomainCheck) -> dict[str, Any]:
    """Return a check whole, as JSON that anybody can read without us: every record, who was asked, and when."""
    return {
        "domain": domain,
        "checked_at": clock.as_text(check.at),
        "worst": check.worst.value,
        "findings": check.findings,
        "records": check.records,
        "changed_since_the_check_before": check.changes,
    }
