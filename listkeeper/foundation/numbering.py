"""Row numbers are given once. They stand in letters, links, occasions and scopes that outlive the row itself.

PostgreSQL counts on by itself, SQLite because every table is AUTOINCREMENT.
Only a database from yesterday would begin again behind its last row: a link
in a letter that was sent since would then lead to somebody else's. So what
comes back from a backup leaps ahead of all that may have been given since.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text
from sqlalchemy.schema import Table as Rows

# More than any installation gives between two backups, and little of what 64 bits hold.
LEAP = 1 << 32


def leap(connection: Connection, tables: Iterable[Rows]) -> None:
    """Let new rows of every table have numbers far behind those that there are or were."""
    step = _leap_on_sqlite if connection.dialect.name == "sqlite" else _leap_on_postgresql
    for table in tables:
        if table.autoincrement_column is not None:
            step(connection, table, table.autoincrement_column.name)


def _leap_on_sqlite(connection: Connection, table: Rows, column: str) -> None:
    known = connection.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    highest = connection.scalar(text(f"SELECT max({column}) FROM {table.name}"))  # noqa: S608 - our own names
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    connection.execute(
        text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"),
        {"name": table.name, "seq": max(known or 0, highest or 0) + LEAP},
    )


def _leap_on_postgresql(connection: Connection, table: Rows, column: str) -> None:
    counter = connection.scalar(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column}
    )
    highest = f"(SELECT coalesce(max({column}), 0) FROM {table.name})"  # noqa: S608 - our own names
    given = f"(SELECT last_value FROM {counter})"  # noqa: S608 - the same
    connection.execute(text(f"SELECT setval('{counter}', greatest({highest}, {given}) + {LEAP})"))
