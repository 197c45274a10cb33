"""How often a stranger may do something: fixed windows, counted in the database.

The key is stored only as a keyed digest, so no address or network stands in
the table. Limits survive a restart and the loss of the queue.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Integer, String, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from listkeeper.foundation import clock, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class ThrottleWindow(Table):
    """How many times one key was used within one window."""

    __tablename__ = "throttle_window"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used: Mapped[int] = mapped_column(Integer)


def allow(session: Session, name: str, key: str, limit: int, window: timedelta) -> bool:
    """Count one use of ``key`` for ``name``; False when the window's limit is passed."""
    starts_at = _start_of(clock.now(), window)
    digest = signing.keyed_digest(f"throttle:{name}", key)
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    row = insert(ThrottleWindow).values(key=digest, starts_at=starts_at, ends_at=starts_at + window, used=1)
    counted = row.on_conflict_do_update(
        index_elements=[ThrottleWindow.key, ThrottleWindow.starts_at], set_={"used": ThrottleWindow.used + 1}
    )
    session.execute(counted)
    used = session.scalar(
        select(ThrottleWindow.used).where(ThrottleWindow.key == digest, ThrottleWindow.starts_at == starts_at)
    )
    return used is not None and used <= limit


def take(session: Session, name: str, key: str, limit: int, window: timedelta) -> bool:
    """Count one use of ``key`` for ``name`` if the window has room for it, in one step; False when it has none.

    Unlike ``allow`` it counts nothing that it refuses.
    """
    starts_at = _start_of(clock.now(), window)
    values = {
        "key": signing.keyed_digest(f"throttle:{name}", key),
        "starts_at": starts_at,
        "ends_at": starts_at + window,
        "most": limit,
    }
    return session.connection().scalar(_taking(session.get_bind().dialect.name), values) is not None


def take_some(session: Session, name: str, key: str, wanted: int, limit: int, window: timedelta) -> int:  # noqa: PLR0913, PLR0917 - what, whose, how many of how many
    """Count as many uses as are wanted and the window has room for; return how many."""
    # Locked before it is read: another worker's uses are in the number, or wait for ours.
    if not take(session, name, key, limit, window):
        return 0
    where = (
        (ThrottleWindow.key == signing.keyed_digest(f"throttle:{name}", key))
        & (ThrottleWindow.starts_at == _start_of(clock.now(), window))
    )  # fmt: skip
    used = session.scalar(select(ThrottleWindow.used).where(where)) or 0
    more = max(0, min(wanted - 1, limit - used))
    if more:
        counted = update(ThrottleWindow).where(where).values(used=ThrottleWindow.used + more)
        session.execute(counted, execution_options={"synchronize_session": False})
    return 1 + more


@cache
def _taking(dialect: str) -> ReturningInsert[int]:
    """Return the statement that takes, made once: every sign-up runs it several times."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    table = ThrottleWindow.__table__
    row = insert(ThrottleWindow).values(
        key=bindparam("key"), starts_at=bindparam("starts_at"), ends_at=bindparam("ends_at"), used=1
    )
    counted = row.on_conflict_do_update(
        index_elements=[table.c.key, table.c.starts_at],
        set_={"used": table.c.used + 1},
        where=table.c.used < bindparam("most"),
    )
    return counted.returning(ThrottleWindow.used)


def spent(session: Session, name: str, key: str, limit: int, window: timedelta) -> bool:
    """Tell whether the present window's limit has been reached; looking does not count."""
    query = select(ThrottleWindow.used).where(
        ThrottleWindow.key == signing.keyed_digest(f"throttle:{name}", key),
        ThrottleWindow.starts_at == _start_of(clock.now(), window),
    )
    return (session.scalar(query) or 0) >= limit


def _start_of(moment: datetime, window: timedelta) -> datetime:
    seconds = int(window.total_seconds())
    return moment.fromtimestamp(int(moment.timestamp()) // seconds * seconds, moment.tzinfo)


def take_turns(session: Session, name: str, key: str) -> None:
    """Wait until no other open transaction deals with this key, so that look and act are one step.

    An advisory lock on PostgreSQL, released by the end of the transaction; SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        digest = signing.keyed_digest(f"turn:{name}", key)
        session.execute(select(func.pg_advisory_xact_lock(int(digest[:15], 16))))


def forget_past(session: Session) -> None:
    """Delete windows that have ended; the timetable calls this."""
    session.execute(delete(ThrottleWindow).where(ThrottleWindow.ends_at < clock.now()))
