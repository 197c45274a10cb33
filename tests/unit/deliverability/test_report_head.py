"""Which day a report is of, wherever its sender's clock stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import hypothesis
from hypothesis import strategies

from listkeeper.deliverability import report_head
from listkeeper.standards.tls_report import Report

MIDNIGHT = datetime(2026, 11, 22)  # noqa: DTZ001 - of the sender's own clock
DAY = timedelta(hours=23, minutes=59, seconds=59)


def _day(begin: datetime) -> date:
    start = begin.astimezone(UTC)
    found = report_head.values(1, Report("Sender", "", "t-1", start, start + DAY, ()), "Sender", "shop.example")["day"]
    assert isinstance(found, date)
    return found


@hypothesis.given(strategies.integers(-11, 11))
def test_a_day_of_the_senders_clock_is_the_same_day_in_utc(hours_ahead: int) -> None:
    there = timezone(timedelta(hours=hours_ahead))
    assert _day(MIDNIGHT.replace(tzinfo=there)) == MIDNIGHT.date()


def test_the_day_is_the_one_in_the_middle() -> None:
    """Neither that of the beginning nor that of the end: each is the wrong one for half of the world."""
    assert _day(datetime(2026, 11, 21, 14, tzinfo=UTC)) == MIDNIGHT.date()
    assert _day(datetime(2026, 11, 22, 8, tzinfo=UTC)) == MIDNIGHT.date()
