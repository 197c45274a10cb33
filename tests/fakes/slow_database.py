"""A database that keeps its writers waiting, so that a test meets them in the middle of what they do."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.fakes.databases import Database

# Nothing but a slow claim holds SQLite's pen for so many seconds.
_LONG = 0.5
_SLOW = {
    # SQLite cannot sleep, and a trigger of it may count in a view only.
    "sqlite": """
        CREATE VIEW long_count AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000000)
        SELECT max(n) AS n FROM c;
        CREATE TRIGGER slow_claim BEFORE UPDATE ON delivery WHEN NEW.state = 'leased'
        BEGIN SELECT n FROM long_count; END;
    """,
    "postgresql": """
        CREATE FUNCTION wait_a_while() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.state = 'leased' THEN PERFORM pg_sleep(0.1); END IF; RETURN NEW; END $$;
        CREATE TRIGGER slow_claim BEFORE UPDATE ON delivery FOR EACH ROW EXECUTE FUNCTION wait_a_while();
    """,
}
_QUICK = {
    "sqlite": "DROP TRIGGER slow_claim; DROP VIEW long_count",
    "postgresql": "DROP TRIGGER slow_claim ON delivery; DROP FUNCTION wait_a_while",
}


@contextmanager
def pen_taken(database: Database) -> Iterator[None]:
    """Let nobody else write deliveries as long as the block lasts; they may be read."""
    if database.kind == "sqlite":
        with _opened(database, timeout=30) as held:
            held.execute("BEGIN IMMEDIATE")
            yield
            held.execute("ROLLBACK")
    else:
        with psycopg.connect(database.url) as server:
            server.execute("LOCK TABLE delivery IN EXCLUSIVE MODE")
            yield
            server.rollback()


@contextmanager
def slow_claims(database: Database) -> Iterator[Callable[[], bool]]:
    """Let every claim take many seconds; yields what tells whether one is under way."""
    _run(database, _SLOW[database.kind])
    free_at = [time.monotonic()]

    def pen_is_held() -> bool:
        with _opened(database, timeout=0) as asked, contextlib.suppress(sqlite3.OperationalError):
            asked.execute("BEGIN IMMEDIATE")
            asked.execute("ROLLBACK")
            free_at[0] = time.monotonic()
        return time.monotonic() - free_at[0] > _LONG

    def somebody_sleeps() -> bool:
        with psycopg.connect(database.url) as server:
            found = server.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
        return found is not None

    yield pen_is_held if database.kind == "sqlite" else somebody_sleeps
    _run(database, _QUICK[database.kind])


def planning(database: Database) -> Callable[[], bool]:
    """Return what tells whether somebody writes a delivery for everybody just now; nobody else writes at that time."""
    busy = [0]

    def pen_is_held() -> bool:
        with _opened(database, timeout=0) as asked:
            try:
                asked.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                busy[0] += 1
            else:
                asked.execute("ROLLBACK")
                busy[0] = 0
        # Longer than the small writes of a command that starts.
        return busy[0] > 10

    def is_active() -> bool:
        with psycopg.connect(database.url) as server:
            query = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO delivery%'"
            return server.execute(query).fetchone() is not None

    return pen_is_held if database.kind == "sqlite" else is_active


@contextmanager
def _opened(database: Database, timeout: float) -> Iterator[sqlite3.Connection]:
    file = database.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(file, timeout=timeout, isolation_level=None)) as connection:
        yield connection


def _run(database: Database, statements: str) -> None:
    if database.kind == "sqlite":
        with _opened(database, timeout=30) as connection:
            connection.executescript(statements)
    else:
        with psycopg.connect(database.url, autocommit=True) as server:
            server.execute(statements.encode())
