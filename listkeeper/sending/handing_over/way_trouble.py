"""Ways that were left alone by a worker, and why: for people who look at how mail leaves.

Each worker finds out for itself and keeps its own patience (``ways``); what
stands here is only shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import String, Text, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, log
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class WayTrouble(Table):
    """One way by its name, since when it is in trouble and what it said last."""

    __tablename__ = "way_trouble"

    way: Mapped[str] = mapped_column(String(40), primary_key=True)
    # With addresses masked.
    words: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


def note(session: Session, way: str, words: str) -> None:
    """Store why a way is left alone; the moment it began stays."""
    masked = log.mask(words)
    known = update(WayTrouble).where(WayTrouble.way == way).values(words=masked).returning(WayTrouble.way)
    if session.scalar(known) is None:
        # Two workers may find out at once, and find the same.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.execute(insert(WayTrouble).values(way=way, words=masked, since=clock.now()))


def over(session: Session, way: str) -> None:
    """Forget it: the way answered about a message."""
    session.execute(delete(WayTrouble).where(WayTrouble.way == way))


def of(session: Session, ways: Collection[str]) -> dict[str, WayTrouble]:
    """Return the trouble of these ways, by their names."""
    return {row.way: row for row in session.scalars(select(WayTrouble).where(WayTrouble.way.in_(ways)))}
