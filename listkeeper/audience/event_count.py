"""Counts of events that came of a letter and belong to somebody else, or to somebody who is a number: no row of theirs.

The shop may name a person whom the mark of the letter does not name. Then her
event is stored as hers and of no letter, and counted here for the letter. A
count has no moment and no number of the shop's: nothing leads from it to her.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, String, UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns
from listkeeper.foundation.table import Table

LONGEST_NAME = 40


class EventCount(Table):
    """How often a letter brought an event of one name and currency, and how much money. It outlives its letter."""

    __tablename__ = "event_count"

    id: Mapped[int] = columns.row_id()
    campaign_id: Mapped[int] = mapped_column(columns.RowId)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    # Empty where no money is in it.
    currency: Mapped[str] = mapped_column(String(3))
    number: Mapped[int] = mapped_column(BigInteger)
    # Minor units, all of them together.
    amount: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("campaign_id", "name", "currency"),)


class Key(NamedTuple):
    """What is counted together."""

    campaign_id: int
    name: str
    currency: str


def add(session: Session, amounts: Mapping[Key, list[int]]) -> None:
    """Count events by their amounts, in the caller's transaction."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    adding = insert(EventCount)
    more = adding.on_conflict_do_update(
        index_elements=list(Key._fields),
        set_={
            "number": EventCount.number + adding.excluded.number,
            "amount": EventCount.amount + adding.excluded.amount,
        },
    )
    # In one order, so that two who count for the same letters never wait for each other.
    rows = [{**key._asdict(), "number": len(each), "amount": sum(each)} for key, each in sorted(amounts.items())]
    if rows:
        session.execute(more, rows)


def of_campaign(session: Session, campaign_id: int) -> dict[Key, tuple[int, int]]:
    """Return what was counted for a letter: how often, and how much money."""
    query = select(EventCount.name, EventCount.currency, EventCount.number, EventCount.amount)
    rows = session.execute(query.where(EventCount.campaign_id == campaign_id))
    return {Key(campaign_id, row[0], row[1]): (row[2], row[3]) for row in rows}
