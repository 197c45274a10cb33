"""How fast a letter leaves: a few looks at how many are settled, and the difference over about a minute.

The timetable looks every ten seconds and writes down what it saw in a row of
its own, because the letter's row is held by every worker that records an
answer, and an index over a million moments would cost each of them more than
anybody wants to know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns, throttle
from listkeeper.foundation.table import Table

_KEPT = timedelta(seconds=75)
# A difference over less says more about the worker's windows than about the letter.
_LEAST = timedelta(seconds=5)
_MINUTE = timedelta(minutes=1)


class Tempo(Table):
    """The looks at one letter, oldest first: milliseconds since 1970, and how many were settled then."""

    __tablename__ = "campaign_tempo"

    id: Mapped[int] = columns.row_id()
    # No foreign key: it is forgotten once the letter has arrived, and keeps nothing that is deleted from going.
    campaign_id: Mapped[int] = mapped_column(columns.RowId, unique=True)
    looks: Mapped[list[list[int]]] = mapped_column(columns.Json)


def letters(session: Session) -> list[int]:
    """Return the numbers of the letters that were looked at."""
    return list(session.scalars(select(Tempo.campaign_id)))


def note(session: Session, settled: Mapping[int, int]) -> None:
    """Write down how many of each letter under way are settled now; what is known of all others is forgotten."""
    throttle.take_turns(session, "tempo", "all")
    moment = clock.now()
    known = {row.campaign_id: row for row in session.scalars(select(Tempo))}
    for number, count in settled.items():
        row = known.get(number) or Tempo(campaign_id=number, looks=[])
        row.looks = [*_recent(row.looks, moment), [clock.in_milliseconds(moment), count]]
        session.add(row)
    _forget(session, known.keys() - settled.keys())


def _forget(session: Session, numbers: Collection[int]) -> None:
    if numbers:
        session.execute(delete(Tempo).where(Tempo.campaign_id.in_(numbers)))


def _recent(looks: list[list[int]], moment: datetime) -> list[list[int]]:
    return [look for look in looks if moment - clock.of_milliseconds(look[0]) <= _KEPT]


def per_minute(session: Session, campaign_id: int, settled: int) -> int | None:
    """Return how many of a letter were settled a minute, lately; None as long as nobody has looked long enough."""
    moment = clock.now()
    row = session.scalars(select(Tempo).where(Tempo.campaign_id == campaign_id)).first()
    for at, before in _recent(row.looks, moment) if row is not None else ():
        elapsed = moment - clock.of_milliseconds(at)
        if elapsed >= _LEAST:
            return round(max(0, settled - before) * (_MINUTE / elapsed))
    return None


def seconds_left(waiting: int, rate: int | None) -> int | None:
    """Return for how long so many last at that many a minute; None when nothing leaves, or nobody knows how fast."""
    return ceil(waiting * 60 / rate) if rate else None
