"""The values of the board, one row a number and day: a page reads them, a job counts them.

A small list is counted again after a minute, a very long one after an hour at
most: counting takes a thousandth of the time. Measuring changes nothing, so it
is done while no transaction is open for writing, and what came of it is kept
afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.insight import board_measure
from listkeeper.insight.board_number import NumberKind
from listkeeper.insight.board_reading import Reading

SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
_TIMES = 1000
_WEEK = timedelta(days=7)


class BoardValue(Table):
    """What a number came to on a day of the business's own calendar: the last count of the day."""

    __tablename__ = "board_value"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[NumberKind] = columns.enum(NumberKind)
    day: Mapped[date] = mapped_column(Date)
    # Empty: it could not be measured, and the facts say why.
    value: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    counted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    took_ms: Mapped[int] = mapped_column(Integer)

    __table_args__ = (UniqueConstraint("organisation_id", "kind", "day"),)

    @property
    def reading(self) -> Reading:
        """The measurement as a value."""
        return Reading(self.value, self.before, self.facts)


@dataclass(frozen=True)
class Measured:
    """What was measured, when, and how long it took."""

    kind: NumberKind
    reading: Reading
    at: datetime
    took_ms: int


def today(session: Session, organisation: Organisation) -> date:
    """Return the day it is where the business lives."""
    return clock.now().astimezone(ZoneInfo(storefront.zone_of(session, organisation))).date()


def due(session: Session, organisation: Organisation, shown: Collection[NumberKind]) -> list[NumberKind]:
    """Return which numbers are to be counted now: those on the board often, every other once a day."""
    known, moment = newest(session, organisation), clock.now()
    this_day = today(session, organisation)
    found = []
    for kind in NumberKind:
        row = known.get(kind)
        if row is None or row.day < this_day:
            found.append(kind)
        elif kind in shown:
            pause = min(max(timedelta(milliseconds=row.took_ms) * _TIMES, SOONEST), LATEST)
            if row.counted_at + pause <= moment:
                found.append(kind)
    return found


def measure_all(
    session: Session, organisation: Organisation, kinds: Collection[NumberKind], *, practice: bool
) -> list[Measured]:
    """Measure some numbers; nothing is stored."""
    return [_timed(session, organisation, kind, practice=practice) for kind in kinds]


def _timed(session: Session, organisation: Organisation, kind: NumberKind, *, practice: bool) -> Measured:
    begun = time.monotonic()
    reading = board_measure.measure(session, organisation, kind, practice=practice)
    return Measured(kind, reading, clock.now(), int((time.monotonic() - begun) * 1000))


def keep(session: Session, organisation: Organisation, measured: Sequence[Measured]) -> None:
    """Keep what was measured as the value of the day; one that was not known a week ago has no value of then.

    Of the last letter none is taken from a week ago: it may be of the same letter, and there may be no letter before.
    """
    throttle.take_turns(session, "board", str(organisation.id))
    day = today(session, organisation)
    for each in measured:
        before = each.reading.before
        if before is None and each.kind is not NumberKind.CLICKED_LAST:
            former = of_day(session, organisation, each.kind, day - _WEEK)
            before = former.value if former is not None else None
        row = of_day(session, organisation, each.kind, day)
        row = row or BoardValue(organisation_id=organisation.id, kind=each.kind, day=day)
        row.value, row.before, row.facts = each.reading.value, before, each.reading.facts
        row.counted_at, row.took_ms = each.at, each.took_ms
        session.add(row)
    session.flush()


def of_day(session: Session, organisation: Organisation, kind: NumberKind, day: date) -> BoardValue | None:
    """Return what a number came to on a day."""
    row = BoardValue
    query = select(row).where(row.organisation_id == organisation.id, row.kind == kind, row.day == day)
    return session.scalars(query).first()


def newest(session: Session, organisation: Organisation) -> dict[NumberKind, BoardValue]:
    """Return the newest value of each number."""
    row = BoardValue
    last = (
        select(row.kind, func.max(row.day).label("day"))
        .where(row.organisation_id == organisation.id)
        .group_by(row.kind)
        .subquery()
    )
    query = (
        select(row)
        .join(last, (last.c.kind == row.kind) & (last.c.day == row.day))
        .where(row.organisation_id == organisation.id)
    )
    return {found.kind: found for found in session.scalars(query)}


def first_from(session: Session, organisation: Organisation, kind: NumberKind, day: date) -> BoardValue | None:
    """Return what a number came to on a day, or on the first day after it that was counted."""
    row = BoardValue
    query = select(row).where(row.organisation_id == organisation.id, row.kind == kind, row.day >= day)
    return session.scalars(query.order_by(row.day).limit(1)).first()
