"""The mark of the key folder, kept in the database, so that a missing or foreign folder is noticed.

Without its own keys a database would recognise nobody who left and open no
evidence. It binds from the moment there is a business: before that nothing
depends on a key, and a copied key folder may still be put in place.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, String, delete, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns, keys
from listkeeper.foundation.table import Table

_ONLY = 1


class KeyMark(Table):
    """What lies beside this database: its key folder, and the journal that it is written down in. One row."""

    __tablename__ = "key_mark"

    id: Mapped[int] = columns.row_id()
    fingerprint: Mapped[str] = mapped_column(String(64))
    # The id in the first line of the journal; None until something was written there.
    journal: Mapped[str | None] = mapped_column(String(32))
    made_at: Mapped[datetime] = columns.created_at()


def open_folder(connection: Connection, folder: Path) -> None:
    """Open the key folder of this database; only one that nothing depends on yet gets new keys.

    Raises Invalid, and writes nothing, when the folder is missing or is another one.
    """
    binding = _has_business(connection)
    keys.open_folder(folder, may_make=not binding)
    marked = _marked(connection) if binding else None
    if marked is not None and marked != keys.fingerprint():
        raise keys.missing(folder)


def _has_business(connection: Connection) -> bool:
    if not inspect(connection).has_table("organisation"):
        return False
    return connection.scalar(text("SELECT 1 FROM organisation LIMIT 1")) is not None


def _marked(connection: Connection) -> str | None:
    # A database from before the mark has no such table yet.
    if not inspect(connection).has_table(KeyMark.__tablename__):
        return None
    return connection.scalar(select(KeyMark.fingerprint).where(KeyMark.id == _ONLY))


def is_missing(session: Session) -> bool:
    """Return whether the database of a business, as one from before the mark, does not know its key folder yet."""
    return _has_business(session.connection()) and _marked(session.connection()) is None


def keep(session: Session) -> KeyMark:
    """Write the mark of the open key folder, unless it is there; return the row, locked."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"id": _ONLY, "fingerprint": keys.fingerprint(), "made_at": clock.now()}
    session.execute(dialect.insert(KeyMark).values(row).on_conflict_do_nothing())
    kept = session.scalars(select(KeyMark).where(KeyMark.id == _ONLY).with_for_update()).one()
    kept.fingerprint = keys.fingerprint()
    return kept


def journal_of(session: Session) -> str | None:
    """Return the id of the journal that this database is written down in; None before the first line."""
    return session.scalar(select(KeyMark.journal).where(KeyMark.id == _ONLY))


def forget(session: Session) -> None:
    """Let go of the key folder: the business is gone, and nothing depends on a key any more."""
    session.execute(delete(KeyMark))
