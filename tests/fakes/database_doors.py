"""A real database that refuses one kind of change to one table, so that a use case breaks in its middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from tests.fakes.databases import Database

_SQLITE = """
CREATE TRIGGER shut_door BEFORE {act} ON "{table}" BEGIN SELECT RAISE(ABORT, 'this door is shut'); END
"""
_POSTGRESQL = (
    """
    CREATE FUNCTION shut_door() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'this door is shut'; END $$
    """,
    'CREATE TRIGGER shut_door BEFORE {act} ON "{table}" FOR EACH ROW EXECUTE FUNCTION shut_door()',
)


@contextmanager
def shut(database: Database, act: str, table: str) -> Iterator[None]:
    """Refuse ``INSERT``, ``UPDATE`` or ``DELETE`` on a table within the block."""
    sqlite = database.kind == "sqlite"
    _run(database, *(part.format(act=act, table=table) for part in ((_SQLITE,) if sqlite else _POSTGRESQL)))
    try:
        yield
    finally:
        undo = ("DROP TRIGGER shut_door",) if sqlite else ("DROP FUNCTION shut_door CASCADE",)
        _run(database, *undo)


def _run(database: Database, *statements: str) -> None:
    engine = database.engine()
    try:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()
