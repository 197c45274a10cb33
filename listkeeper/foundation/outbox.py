"""Facts: what a lower chapter tells a higher one, stored with the change itself.

A fact is written in the transaction of the change and carries ids only. After
the commit a bell is rung (``listkeeper.parts``); a reaction in ``jobs`` then
calls the higher chapter. A lost bell is harmless: the timetable looks for
facts that nobody has reacted to. A reaction may run twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Index, Integer, String, case, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

TRIES = 5
KEPT = timedelta(days=7)


class Lane(StrEnum):
    """Which queue the reaction waits in; the order is the order of urgency."""

    URGENT = "urgent"
    SENDING = "sending"
    BACKGROUND = "background"


class Fact(Table):
    """One thing that happened, waiting for its reaction."""

    __tablename__ = "fact"

    id: Mapped[int] = columns.row_id()
    name: Mapped[str] = mapped_column(String(64))
    lane: Mapped[Lane] = columns.enum(Lane)
    subject_id: Mapped[int] = mapped_column(columns.RowId)
    written_at: Mapped[datetime] = columns.created_at()
    tries: Mapped[int] = mapped_column(Integer, default=0)
    reacted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(
            "ix_fact_waiting", "lane", "id", postgresql_where=reacted_at.is_(None), sqlite_where=reacted_at.is_(None)
        ),
    )


def write(session: Session, name: str, subject_id: int, lane: Lane = Lane.BACKGROUND) -> None:
    """Store the fact ``noun.past_verb`` about one row, in the caller's transaction."""
    write_all(session, name, [subject_id], lane)


def write_all(session: Session, name: str, subject_ids: Sequence[int], lane: Lane) -> None:
    """Store the same fact about several rows."""
    if not subject_ids:
        return
    rows = [{"name": name, "subject_id": number, "lane": lane} for number in subject_ids]
    session.connection().execute(_WRITE, rows)
    session.info.setdefault("rung_lanes", set()).add(lane)


_WRITE = insert(Fact)


def rung_lanes(session: Session) -> set[Lane]:
    """Return (and forget) the lanes whose bell the last commit should ring."""
    lanes: set[Lane] = session.info.pop("rung_lanes", set())
    return lanes


def hush(session: Session, lane: Lane) -> None:
    """Leave one lane's bell alone at the commit: whoever works on that lane now looks again by itself."""
    session.info.get("rung_lanes", set()).discard(lane)


def waiting(session: Session, lane: Lane, limit: int = 100, *, after: int = 0) -> list[int]:
    """Return the ids of a lane's oldest facts, newer than ``after``, that nobody has reacted to."""
    query = select(Fact.id).where(Fact.lane == lane, Fact.reacted_at.is_(None), Fact.tries < TRIES, Fact.id > after)
    return list(session.scalars(query.order_by(Fact.id).limit(limit)))


def waiting_named(session: Session, lane: Lane, limit: int = 100, *, after: int = 0) -> list[tuple[int, str, int]]:
    """Return number, name and subject of the same facts."""
    query = select(Fact.id, Fact.name, Fact.subject_id).where(
        Fact.lane == lane, Fact.reacted_at.is_(None), Fact.tries < TRIES, Fact.id > after
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query.order_by(Fact.id).limit(limit))]


def unheard(session: Session) -> dict[Lane, tuple[int, int]]:
    """Return for each lane how many facts wait for a reaction, and how many were given up."""
    given_up = case((Fact.tries >= TRIES, 1), else_=0)
    query = select(Fact.lane, func.count() - func.sum(given_up), func.sum(given_up)).where(Fact.reacted_at.is_(None))
    found = {row[0]: (row[1], row[2]) for row in session.execute(query.group_by(Fact.lane))}
    return {lane: found.get(lane, (0, 0)) for lane in Lane}


def claim_all(session: Session, fact_ids: Iterable[int]) -> list[Fact]:
    """Lock facts for a reaction to all of them, without those that another worker has or has finished."""
    query = select(Fact).where(Fact.id.in_(list(fact_ids)), Fact.reacted_at.is_(None)).order_by(Fact.id)
    return list(session.scalars(query.with_for_update(skip_locked=True)))


def claim(session: Session, fact_id: int) -> Fact | None:
    """Lock one fact for its reaction; None when another worker has it or has finished it."""
    query = select(Fact).where(Fact.id == fact_id, Fact.reacted_at.is_(None)).with_for_update(skip_locked=True)
    return session.scalars(query).first()


def done(fact: Fact) -> None:
    """Mark a fact as reacted to, in the transaction of the reaction."""
    fact.reacted_at = clock.now()


def failed(session: Session, fact_id: int) -> None:
    """Count a reaction that failed; after five the fact is left for a person to look at."""
    session.execute(update(Fact).where(Fact.id == fact_id).values(tries=Fact.tries + 1))


def forget_old(session: Session) -> None:
    """Delete facts that were reacted to over a week ago; the timetable calls this."""
    session.execute(delete(Fact).where(Fact.reacted_at < clock.now() - KEPT))
