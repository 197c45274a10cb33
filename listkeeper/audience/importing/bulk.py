"""Many rows into a table at once: prepared statements on SQLite, COPY on PostgreSQL, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice, repeat
from typing import cast

from sqlalchemy import ColumnElement, bindparam, column, func, insert, select, table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from listkeeper.foundation.table import Table as Declared

_PIECE = 250
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Collision(Exception):
    """One of these rows is there already; somebody may have stored it at this very moment."""


def is_sqlite(session: Session) -> bool:
    """Return whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


@dataclass(frozen=True)
class Same:
    """A column that has one value in all rows."""

    value: object


Columns = Mapping[str, Sequence[object] | Same]


def add(session: Session, into: type[Declared], names: Sequence[str], rows: list[tuple[object, ...]]) -> None:
    """Insert rows of plain values: text, whole numbers, booleans, bytes, None; times as ``moment`` writes them."""
    if not rows:
        return
    name = into.__tablename__
    if is_sqlite(session):
        _insert(session, _statement(name, tuple(names)), rows)
        return
    _copy(session, name, names, ("\t".join(map(_cell, row)) for row in rows))


def add_columns(session: Session, into: type[Declared], columns: Columns) -> None:
    """Insert rows given as columns, at least one of them with its own values: a fraction of the time of ``add``."""
    name, names = into.__tablename__, tuple(columns)
    if not all(isinstance(column, Same) or column for column in columns.values()):
        return
    if is_sqlite(session):
        _insert(session, _statement(name, names), list(zip(*map(_each, columns.values()), strict=False)))
        return
    _copy(session, name, names, map("\t".join, zip(*(_cells(column) for column in columns.values()), strict=False)))


def _insert(session: Session, statement: str, rows: list[tuple[object, ...]]) -> None:
    try:
        # The statement is Core's; the values go to the driver as they are, which halves the time.
        session.connection().exec_driver_sql(statement, rows)
    except IntegrityError as problem:
        if getattr(problem.orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_UNIQUE":
            raise Collision from problem
        raise


def _each(column: Sequence[object] | Same) -> Iterable[object]:
    return repeat(column.value) if isinstance(column, Same) else column


def _cells(column: Sequence[object] | Same) -> Iterable[str]:
    """Write a column in COPY's text format; what all its values have in common is found out once."""
    if isinstance(column, Same):
        return repeat(_cell(column.value))
    kinds = set(map(type, column))
    if kinds == {str}:
        texts = cast("Sequence[str]", column)
        together = "".join(texts)
        return map(_cell, texts) if any(sign in together for sign in "\\\t\n\r") else texts
    if kinds == {bytes}:
        return (f"\\\\x{value.hex()}" for value in cast("Sequence[bytes]", column))
    return map(str, column) if kinds == {int} else map(_cell, column)


@lru_cache(maxsize=64)
def _statement(name: str, names: tuple[str, ...]) -> str:
    # A bare table, without the defaults that Core would add to every row: the database knows its own.
    bare = table(name, *map(column, names))
    return str(insert(bare).compile(dialect=sqlite.dialect(paramstyle="qmark"), column_keys=list(names)))


def _copy(session: Session, name: str, names: Sequence[str], rows: Iterable[str]) -> None:
    driver = session.connection().connection.driver_connection
    if driver is None:  # pragma: no cover - a session in a transaction is connected
        raise RuntimeError("the session is not connected")
    # Imported here: an instance on SQLite never loads the driver.
    from psycopg.errors import UniqueViolation  # noqa: PLC0415

    lines = iter(rows)
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({', '.join(names)}) FROM STDIN") as copying:
            # A piece at a time: the server stores one while we write the next.
            while piece := list(islice(lines, _PIECE)):
                copying.write("\n".join([*piece, ""]).encode())
    except UniqueViolation as problem:
        raise Collision from problem


def _cell(value: object) -> str:
    """Write one value in COPY's text format (PostgreSQL manual, COPY, "Text Format")."""
    if isinstance(value, str):
        return value if value.isalnum() else value.translate(_ESCAPED)
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def moment(session: Session, at: datetime) -> str:
    """Return an aware time in UTC as the database's own text."""
    written = at.isoformat(" ", "microseconds")
    # SQLAlchemy stores SQLite's times without a zone; PostgreSQL reads ours.
    return written[:26] if is_sqlite(session) else written


def numbers(session: Session, of: type[Declared], count: int) -> range | list[int]:
    """Return so many fresh row numbers; the caller's transaction keeps others from taking them."""
    name = of.__tablename__
    if not count:
        return range(0)
    if is_sqlite(session):
        # There is one writer, and it is us until the commit.
        last = session.execute(text(f"SELECT coalesce(max(id), 0) FROM {name}")).scalar_one()  # noqa: S608 - our own table's name
        return range(last + 1, last + 1 + count)
    # As one text: a row of an answer for each costs more than the numbers do.
    drawn = text(
        "SELECT string_agg(nextval(own.sequence)::text, ',') FROM generate_series(1, :count),"
        " (SELECT pg_get_serial_sequence(:name, 'id')::regclass AS sequence) AS own"
    )
    return list(map(int, session.scalars(drawn, {"name": name, "count": count}).one().split(",")))


def among(session: Session, held: InstrumentedAttribute[str], wanted: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of very many values, sent as one parameter."""
    values = list(wanted)
    if is_sqlite(session):
        listed = func.json_each(json.dumps(values)).table_valued("value")
        return held.in_(select(listed.c.value))
    return held == func.any(bindparam(None, values, type_=postgresql.ARRAY(postgresql.TEXT), unique=True))
