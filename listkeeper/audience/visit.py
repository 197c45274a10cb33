"""Visits: how often a source's link was followed, a number a day and nothing else.

A number is all that is kept: no address, no network, no cookie, no time of
day. Programs that look before people do (previews, crawlers, prefetching
browsers) are counted beside people and not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Date, ForeignKey, Integer, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns
from listkeeper.foundation.table import Table


class SourceVisit(Table):
    """How often one source was visited on one day (UTC)."""

    __tablename__ = "source_visit"

    id: Mapped[int] = columns.row_id()
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    day: Mapped[date] = mapped_column(Date)
    people: Mapped[int] = mapped_column(Integer, default=0)
    machines: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (UniqueConstraint("source_id", "day"),)


@dataclass(frozen=True)
class Visits:
    """How many people and how many programs followed a link."""

    people: int = 0
    machines: int = 0


def count(session: Session, source_id: int, *, by_machine: bool = False) -> None:
    """Add one visit to today's number, in one statement: two at once are two."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    one = {"people": int(not by_machine), "machines": int(by_machine)}
    row = insert(SourceVisit).values(source_id=source_id, day=clock.now().date(), **one)
    counted = row.on_conflict_do_update(
        index_elements=[SourceVisit.source_id, SourceVisit.day],
        set_={"people": SourceVisit.people + one["people"], "machines": SourceVisit.machines + one["machines"]},
    )
    session.execute(counted)


def totals(session: Session) -> dict[int, Visits]:
    """Return the visits of every source that had any, by its row number."""
    query = select(SourceVisit.source_id, func.sum(SourceVisit.people), func.sum(SourceVisit.machines))
    return {row[0]: Visits(int(row[1]), int(row[2])) for row in session.execute(query.group_by(SourceVisit.source_id))}
