"""The only source of the current time: aware, UTC.

Where several machines work on one database, a worker goes by the database's
clock when its own is wrong: a lease is a moment, and all have to mean the same.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

_START = datetime(1970, 1, 1, tzinfo=UTC)


# By less than this two clocks that are looked after may differ; neither is wrong.
TOLERATED = timedelta(seconds=2)
# How far this machine's clock is ahead of the one that is gone by.
_ahead = [timedelta(0)]


def now() -> datetime:
    """Return the current moment as an aware datetime in UTC."""
    return datetime.now(UTC) - _ahead[0]


def of_machine() -> datetime:
    """Return what this machine's own clock says, right or wrong; only to be compared with another one."""
    return datetime.now(UTC)


def go_by(other: datetime, at: datetime) -> timedelta:
    """Go by a clock that showed ``other`` when this machine's own showed ``at``; return by how much its own is wrong.

    A difference that is tolerated is none.
    """
    ahead = at - other
    _ahead[0] = ahead if abs(ahead) > TOLERATED else timedelta(0)
    return _ahead[0]


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
