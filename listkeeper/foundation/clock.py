"""The only source of the current time: aware, UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

_START = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """Return the current moment as an aware datetime in UTC."""
    return datetime.now(UTC)


def in_milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970-01-01T00:00:00Z, cut off as ``as_text`` does."""
    # In whole numbers: a float second times 1000 is a millisecond short now and then.
    since = moment - _START
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def of_milliseconds(moment: int) -> datetime:
    """Return the moment that ``in_milliseconds`` wrote down."""
    return _START + timedelta(milliseconds=moment)


def as_text(moment: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds, e.g. ``2026-11-23T08:15:00.120Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same time of day a number of calendar months later, on the month's last day when it is shorter."""
    total = moment.month - 1 + months
    year, month = moment.year + total // 12, total % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
