"""Reckoning with moments in the database itself, alike on SQLite and PostgreSQL, and as Python reckons with them.

``earliest`` and ``latest`` pass over what is empty. ``months_after`` counts by
the calendar, as ``clock.months_later`` does: on the month's last day where that
month is shorter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from listkeeper.foundation.columns import UtcDateTime

# SQLite keeps moments as text, and takes the least of several only where none is empty.
_FOREVER, _NEVER = "'9999-12-31'", "''"


class _Moment(FunctionElement[datetime]):
    inherit_cache = True
    type = UtcDateTime()


class earliest(_Moment):  # noqa: N801 - it stands where a function of the database stands
    """The earliest of several moments, the empty ones apart; empty where all are."""

    inherit_cache = True
    name = "earliest"


class latest(_Moment):  # noqa: N801 - the same
    """The latest of several moments, the empty ones apart; empty where all are."""

    inherit_cache = True
    name = "latest"


class _MonthsAfter(_Moment):
    inherit_cache = True
    name = "months_after"


class day_of(FunctionElement[str]):  # noqa: N801 - the same
    """The day of a moment in UTC, as 2026-05-31."""

    inherit_cache = True
    name = "day_of"
    type = String()


def months_after(moment: Any, months: int) -> FunctionElement[datetime]:  # noqa: ANN401 - a column or an expression
    """Return the same time of day a number of calendar months after a moment."""
    return _MonthsAfter(moment, literal(months))


def _written(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> list[str]:  # noqa: ANN401 - SQLAlchemy's own
    return [compiler.process(clause, **kw) for clause in element.clauses]


@compiles(earliest)
def _least(element: earliest, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    return f"least({', '.join(_written(element, compiler, **kw))})"


@compiles(earliest, "sqlite")
def _least_text(element: earliest, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    known = ", ".join(f"coalesce({each}, {_FOREVER})" for each in _written(element, compiler, **kw))
    return f"nullif(min({known}, {_FOREVER}), {_FOREVER})"


@compiles(latest)
def _greatest(element: latest, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    return f"greatest({', '.join(_written(element, compiler, **kw))})"


@compiles(latest, "sqlite")
def _greatest_text(element: latest, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    known = ", ".join(f"coalesce({each}, {_NEVER})" for each in _written(element, compiler, **kw))
    return f"nullif(max({known}, {_NEVER}), {_NEVER})"


@compiles(_MonthsAfter)
def _by_calendar(element: _MonthsAfter, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    moment, months = _written(element, compiler, **kw)
    # In UTC and back: the time zone of whoever asks would move the end of a month.
    return f"timezone('UTC', timezone('UTC', {moment}) + make_interval(0, {months}))"


@compiles(_MonthsAfter, "sqlite")
def _by_calendar_text(element: _MonthsAfter, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    moment, months = _written(element, compiler, **kw)
    # SQLite would count the days that a month has too few into the next one.
    month = f"date({moment}, 'start of month', printf('%+d months', {months}))"
    last = f"strftime('%d', {moment}, 'start of month', printf('%+d months', {months}), '+1 month', '-1 day')"
    day = f"printf('%02d', min(CAST(substr({moment}, 9, 2) AS INTEGER), CAST({last} AS INTEGER)))"
    return f"(substr({month}, 1, 8) || {day} || substr({moment}, 11))"


@compiles(day_of)
def _day(element: day_of, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    (moment,) = _written(element, compiler, **kw)
    return f"to_char(timezone('UTC', {moment}), 'YYYY-MM-DD')"


@compiles(day_of, "sqlite")
def _day_text(element: day_of, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ANN401 - the same
    (moment,) = _written(element, compiler, **kw)
    return f"substr({moment}, 1, 10)"
