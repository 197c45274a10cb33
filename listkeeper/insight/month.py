"""Months on a business's own clock, written "2026-11": how the databases tell them, and how they are counted on.

PostgreSQL knows time zones. SQLite does not, but only the hours around
midnight of a month's first day depend on one; for those it is told by how much
the business's clock was ahead of UTC at that midnight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from sqlalchemy import ColumnElement, case, func, literal

from listkeeper.foundation import clock, language

_TWELVE = 12
# Nobody joined a list of ours before; earlier months get the hours of the later ones.
_YEARS_BACK = 12
_LAST_DAYS = ("28", "29", "30", "31")


def of(moment: datetime, zone: str) -> str:
    """Return the month of a moment."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m")


def later(month: str, number: int) -> str:
    """Return the month so many months later; a negative number is before."""
    total = number_of(month) + number
    return f"{total // _TWELVE:04}-{total % _TWELVE + 1:02}"


def number_of(month: str) -> int:
    """Return a number by which months can be counted: the next one's is one more."""
    return int(month[:4]) * _TWELVE + int(month[5:7]) - 1


def from_to(first: str, last: str) -> list[str]:
    """Return all months from one to another, both included."""
    return [later(first, step) for step in range(number_of(last) - number_of(first) + 1)]


def name(month: str, *, short: bool = False) -> str:
    """Return a month as people of the current language write it: “November 2026”, short “Nov 2026”."""
    day = datetime(int(month[:4]), int(month[5:7]), 1)  # noqa: DTZ001 - a name needs no clock
    return format_skeleton("yMMM" if short else "yMMMM", day, locale=language.current())


def in_database(column: ColumnElement[Any], zone: str, *, on_sqlite: bool) -> ColumnElement[str]:
    """Return the month of a stored moment, as text; NULL of NULL."""
    if not on_sqlite:
        return func.to_char(func.timezone(zone, column), "YYYY-MM")
    day = func.substr(column, 9, 2)
    return case(
        (day == "01", func.strftime("%Y-%m", column, _shift(column, zone, following=0))),
        (day.in_(_LAST_DAYS), func.strftime("%Y-%m", column, _shift(column, zone, following=1))),
        else_=func.substr(column, 1, 7),
    )


def _shift(column: ColumnElement[Any], zone: str, *, following: int) -> ColumnElement[str]:
    """Return by how much the clock is ahead at the midnight that begins a moment's month, or the following one."""
    years = range(clock.now().year - _YEARS_BACK, clock.now().year + 2)
    ahead = {
        f"{year}-{one:02}": _ahead(later(f"{year}-{one:02}", following), zone) for year in years for one in range(1, 13)
    }
    usual = {
        f"{one:02}": Counter(ahead[f"{year}-{one:02}"] for year in years).most_common(1)[0][0] for one in range(1, 13)
    }
    odd = [month for month, seconds in ahead.items() if seconds != usual[month[5:7]]]
    whens = [(func.substr(column, 1, 7) == month, literal(_words(ahead[month]))) for month in odd]
    for seconds in sorted(set(usual.values())):
        months: Sequence[str] = [one for one, its in usual.items() if its == seconds]
        whens.append((func.substr(column, 6, 2).in_(months), literal(_words(seconds))))
    return case(*whens, else_=literal("+0 seconds"))


def _ahead(month: str, zone: str) -> int:
    begins = datetime(int(month[:4]), int(month[5:7]), 1, tzinfo=ZoneInfo(zone))
    return int((begins.utcoffset() or timedelta()).total_seconds())


def _words(seconds: int) -> str:
    return f"{seconds:+} seconds"
