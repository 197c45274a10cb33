"""What counts once: a ticket, a solved challenge, a pressed button. The second time it is spent.

Only a keyed digest stands in the table, and only for as long as the thing
itself could still be used.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import String, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from listkeeper.foundation import clock, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class Spent(Table):
    """One thing that was used."""

    __tablename__ = "spent"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    forgotten_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


def spend(session: Session, kind: str, secret: str, until: datetime) -> bool:
    """Use something up; False when it was used before. It is remembered until it would be void by itself."""
    values = {"digest": signing.keyed_digest(f"once:{kind}", secret), "forgotten_at": until}
    return session.connection().scalar(_spending(session.get_bind().dialect.name), values) is not None


def is_spent(session: Session, kind: str, secret: str) -> bool:
    """Return whether something was used up."""
    digest = signing.keyed_digest(f"once:{kind}", secret)
    return session.scalar(select(Spent.digest).where(Spent.digest == digest)) is not None


@cache
def _spending(dialect: str) -> ReturningInsert[str]:
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    row = insert(Spent).values(digest=bindparam("digest"), forgotten_at=bindparam("forgotten_at"))
    return row.on_conflict_do_nothing().returning(Spent.digest)


def forget_past(session: Session) -> None:
    """Delete what is void by now; the timetable calls this."""
    session.execute(delete(Spent).where(Spent.forgotten_at < clock.now()))
