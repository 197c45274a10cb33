"""SQLite's one pen: who writes next, how long the others wait, and when what was written is on the disk.

A database file has one writer. Somebody who signs up waits for it, and so does
a worker with a thousand mails; this file is about their not getting in each
other's way. PostgreSQL needs none of it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

WAITS_MILLISECONDS = 15_000
# Options of a connection. One that writes asks for the pen with its BEGIN; one that syncs later lays it down before
# what it wrote is on the disk, and says no word of it until ``sync``.
WRITES: Mapping[str, bool] = {"listkeeper_writes": True}
SYNCS_LATER: Mapping[str, bool] = {"listkeeper_writes": True, "listkeeper_syncs_later": True}

# How soon a process asks again: one that somebody waits for sooner than one that works in the background.
_SOON, _LATER = 0.0003, 0.004
# How long the latter rests after a write that it had to wait for, in that write's own length: others write as well.
_REST, _LONGEST_REST = 2.0, 0.1
# Whoever fills the log up to so many pages of 4 KB copies it into the database, and its own next step waits for that:
# a worker long before somebody who is waited for.
_EMPTIES_AT, _EMPTIES_AT_LAST = 4_000, 32_000

# Those who give way take turns among themselves by a lock file beside the database, asked for as often; whoever has
# its turn then asks for the pen, so that what it waits for can only be somebody who is waited for.
_turn: list[int] = []

_ask_again = [_SOON]
_others_write = [False]
_next_to_write = threading.Lock()
_synced_folders: set[str] = set()


def is_needed(engine: Engine | Connection) -> bool:
    """Return whether a database has one pen."""
    return engine.dialect.name == "sqlite"


def prepare(engine: Engine) -> None:
    """Make an engine's connections keep our promises (foreign keys, durable WAL, explicit BEGIN)."""
    if is_needed(engine):
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)


def give_way() -> None:
    """Let other processes write before this one, where they ask at the same time: nobody waits for what it does."""
    _ask_again[0] = _LATER


def pass_on() -> None:
    """End this process's turn, whatever came of it; without one it does nothing."""
    if _turn:
        os.close(_turn.pop())


def _wait_for_turn(file: str | None) -> None:
    if _ask_again[0] != _LATER or _turn or not file or file == ":memory:":
        return
    # Closing it gives it back, and so does the end of a process.
    opened = os.open(f"{file}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _turn.append(opened)
    until = time.monotonic() + WAITS_MILLISECONDS / 1000
    while time.monotonic() < until:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_SOON)
        else:
            return


def rest(wrote: float) -> None:
    """Leave the pen to others after a write of so many seconds, in a process that gives way and had to wait for it."""
    if _others_write[0] and _ask_again[0] == _LATER:
        time.sleep(min(wrote * _REST, _LONGEST_REST))


def sync(engine: Engine) -> None:
    """Wait until all that was committed is on the disk (``SYNCS_LATER``). Raises OSError when the disk refuses.

    Many writes share one such wait, and nobody else waits for the pen meanwhile. What another process made of them
    in a transaction of its own is synced with them, for it stands behind them in the same log.
    """
    file = engine.url.database
    if not file or file == ":memory:":
        return
    # Without a log everything stands in the database itself, which is synced before the log is taken away.
    with suppress(FileNotFoundError):
        _sync(f"{file}-wal", os.O_RDWR)
    folder = str(Path(file).parent)
    if folder not in _synced_folders:
        # That the log is there at all is written in its folder.
        _sync(folder, os.O_RDONLY)
        _synced_folders.add(folder)


def _sync(path: str, flags: int) -> None:
    opened = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes too late for a read followed by a write; ours is explicit.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={WAITS_MILLISECONDS}",
        "journal_mode=WAL",
        # FULL, not NORMAL: a committed hand-over must survive a power cut, or a mail goes twice.
        "synchronous=FULL",
        "foreign_keys=ON",
        # Without it INSERT OR REPLACE slips past delete triggers.
        "recursive_triggers=ON",
        "secure_delete=ON",
        f"wal_autocheckpoint={_EMPTIES_AT}",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("listkeeper_writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    _sync_at_commit(connection, driver, at_once=not options.get("listkeeper_syncs_later", False))
    # SQLite's own waiting sleeps longer and longer, and whoever slept longest is passed by: a post would wait for
    # seconds beside a worker with much to do. One thread of a process asks at a time, and it asks often.
    with _next_to_write:
        _wait_for_turn(connection.engine.url.database)
        driver.execute("PRAGMA busy_timeout=0")
        try:
            if not _taken_up(driver):
                # Once more, and this time SQLAlchemy hears what it says.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            driver.execute(f"PRAGMA busy_timeout={WAITS_MILLISECONDS}")


def _sync_at_commit(connection: Connection, driver: sqlite3.Connection, *, at_once: bool) -> None:
    # Between transactions only: within one SQLite refuses to change it.
    if connection.info.get("syncs_at_once", True) != at_once:
        driver.execute(f"PRAGMA synchronous={'FULL' if at_once else 'NORMAL'}")
        driver.execute(f"PRAGMA wal_autocheckpoint={_EMPTIES_AT if at_once else _EMPTIES_AT_LAST}")
        connection.info["syncs_at_once"] = at_once


def _taken_up(driver: sqlite3.Connection) -> bool:
    until = time.monotonic() + WAITS_MILLISECONDS / 1000
    _others_write[0] = False
    while time.monotonic() < until:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                return False
        else:
            return True
        _others_write[0] = True
        time.sleep(_ask_again[0])
    return False
