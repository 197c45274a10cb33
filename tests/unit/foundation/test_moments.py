"""Moments in the database: the same as in Python, on both databases, to the microsecond."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, moments
from listkeeper.foundation.columns import UtcDateTime

FIRST = datetime(2024, 1, 1, tzinfo=UTC)


def _asked(session: Session, moment: datetime | None) -> object:
    return literal(moment, UtcDateTime()).cast(UtcDateTime()) if _is_strict(session) else literal(moment, UtcDateTime())


def _is_strict(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


@pytest.mark.parametrize("months", [0, 1, 11, 12, 13, 24, -1, -12])
def test_months_are_counted_by_the_calendar(session: Session, chance: random.Random, months: int) -> None:
    days = product((1, 2, 3, 8, 12), (28, 29))
    edges = [datetime(2024, month, day, 23, 59, 59, 999_999, tzinfo=UTC) for month, day in days]
    ends = [datetime(2023, month, 31, tzinfo=UTC) for month in (1, 3, 5, 7, 8, 10, 12)]
    drawn = [FIRST + timedelta(microseconds=chance.randrange(10**14)) for _ in range(40)]
    for moment in (*edges, *ends, *drawn):
        found = session.scalar(select(moments.months_after(_asked(session, moment), months)))
        assert found == clock.months_later(moment, months), moment


def test_months_do_not_follow_the_time_zone_of_whoever_asks(session: Session) -> None:
    if _is_strict(session):
        session.connection().exec_driver_sql("SET LOCAL TIME ZONE 'America/New_York'")
    moment = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
    asked = _asked(session, moment)
    found = session.execute(select(moments.months_after(asked, 1), moments.day_of(asked))).one()
    assert tuple(found) == (datetime(2024, 4, 1, 2, 0, tzinfo=UTC), "2024-03-01")


def test_what_is_empty_is_passed_over(session: Session) -> None:
    early, late = FIRST, FIRST + timedelta(microseconds=1)
    for chosen in ([early, late, None], [None, late], [early], [None, None]):
        known = [each for each in chosen if each is not None]
        asked = [_asked(session, each) for each in chosen]
        found = session.execute(select(moments.earliest(*asked), moments.latest(*asked))).one()
        assert tuple(found) == (min(known, default=None), max(known, default=None))
