"""The database of this process: one engine, sessions, and the only commit.

``transaction()`` is the one way to change anything and ``reading()`` the one
way to look. Both need the application's context, which ``app.create_app``
gives to web requests and the shells push for themselves.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import OperationalError, TimeoutError  # noqa: A004 - the pool's own, not Python's
from sqlalchemy.orm import Session

from listkeeper.foundation import outbox, pen, places
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.settings import Settings

CHAPTERS = (
    "foundation",
    "accounts",
    "deliverability",
    "audience",
    "rendering",
    "campaigns",
    "sending",
    "feedback",
    "insight",
)

database = SQLAlchemy(model_class=Table, disable_autonaming=True)
# How often this process changed something, small writes done together apart; and another database is another number.
_changes = [0]
# Those who wait to write together, and the one who writes for them.
_waiting_acts: deque[_Act[Any]] = deque()
_leading = threading.Lock()
_MOST_TOGETHER = 16
Result = TypeVar("Result")
_bells: list[Callable[[set[Lane]], None]] = []


@cache
def load_tables() -> None:
    """Import every file of every chapter that holds a table, so that the metadata knows all of them.

    The others load what writes letters and papers, which most commands never do.
    """
    for chapter in CHAPTERS:
        if importlib.util.find_spec(f"listkeeper.{chapter}") is None:
            continue
        package = importlib.import_module(f"listkeeper.{chapter}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.ispkg or _holds_a_table(module.name):
                importlib.import_module(module.name)


def _holds_a_table(name: str) -> bool:
    found = importlib.util.find_spec(name)
    read = getattr(found.loader, "get_source", None) if found is not None else None
    source = read(name) if read is not None else None
    # Without its source, as in a frozen program, nobody knows: then it is loaded.
    return source is None or "__tablename__" in source


def attach(app: Flask, settings: Settings, ring: Callable[[set[Lane]], None] | None = None) -> None:
    """Give the application its database; ``ring`` is called after commits that wrote facts."""
    load_tables()
    # An error of the database tells its statement, and not whose name and network it was about: it goes into the log.
    options: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}
    if settings.database_url is None:
        options["connect_args"] = {"check_same_thread": False, "timeout": pen.WAITS_MILLISECONDS / 1000}
    else:
        options |= {"pool_size": settings.web_threads, "max_overflow": 4}
    app.config |= {"SQLALCHEMY_DATABASE_URI": settings.database, "SQLALCHEMY_ENGINE_OPTIONS": options}
    database.init_app(app)
    _changes[0] += 1
    _bells[:] = [ring] if ring else []


@contextmanager
def transaction(*, syncs_later: bool = False) -> Iterator[Session]:
    """Open a transaction that is committed whole at the end of the block, or not at all.

    Raises TryAgain when the database is locked, full or away; nothing is changed then.
    ``syncs_later``: SQLite's pen goes to the next before the disk has it, and the block ends when it has; when the
    disk refuses then, it was written and may be gone after a power cut. For what may be done twice.
    """
    try:
        with _transaction(pen.SYNCS_LATER if syncs_later else pen.WRITES) as session:
            yield session
        if syncs_later and pen.is_needed(database.engine):
            _sync()
    finally:
        _changes[0] += 1


def _sync() -> None:
    try:
        pen.sync(database.engine)
    except OSError as problem:
        raise TryAgain("database_unavailable", _PERHAPS_NOT_KEPT) from problem


def changes() -> int:
    """Return a number that is another one after each transaction of this process, but for what goes ``together``."""
    return _changes[0]


@contextmanager
def _transaction(options: Mapping[str, bool] = pen.WRITES) -> Iterator[Session]:
    session: Session = database.session()
    if session.in_transaction():
        session.rollback()
    try:
        if pen.is_needed(database.engine):
            session.connection(execution_options=options)
        begun = time.monotonic()
        yield session
        session.commit()
        pen.pass_on()
        pen.rest(time.monotonic() - begun)
    except (OperationalError, TimeoutError) as problem:
        session.rollback()
        outbox.rung_lanes(session)
        raise TryAgain("database_unavailable", plain(problem)) from problem
    except BaseException:
        session.rollback()
        outbox.rung_lanes(session)
        raise
    finally:
        pen.pass_on()
    lanes = outbox.rung_lanes(session)
    if lanes:
        for ring in _bells:
            ring(lanes)


class _Act(Generic[Result]):
    """A small write that waits to be done together with others."""

    def __init__(self, act: Callable[[Session], Result]) -> None:
        self._act = act
        self._value: Result | None = None
        self.problem: BaseException | None = None
        # Whether somebody has done it, and whether that is on the disk.
        self.taken = False
        self.settled = threading.Event()

    def do(self, session: Session) -> None:
        """Do it, within a transaction that may be taken back yet."""
        self._value = self._act(session)

    def value(self) -> Result:
        """Return what it came to, once it is settled. Raises what went wrong."""
        self.settled.wait()
        if self.problem is not None:
            raise self.problem
        return cast("Result", self._value)


def together(act: Callable[[Session], Result]) -> Result:
    """Do a small write, in one transaction with those that others of this process ask for at the same time.

    SQLite has one pen, and most of a small write is taking it up and laying it down: whoever comes first takes it up
    for all who wait, and lays it down before what they wrote is on the disk, which each of them then waits for.
    ``act`` may be done twice, the first time for nothing, and in another thread than its own.
    Elsewhere it is a transaction of its own. Raises TryAgain as ``transaction`` does.
    """
    if not pen.is_needed(database.engine):
        with _transaction() as session:
            return act(session)
    mine = _Act(act)
    _waiting_acts.append(mine)
    led: list[_Act[Any]] = []
    with _leading:
        while not mine.taken:
            led += _lead()
    _settle(led)
    return mine.value()


def _lead() -> list[_Act[Any]]:
    taken: list[_Act[Any]] = []
    try:
        with _transaction(pen.SYNCS_LATER) as session:
            while _waiting_acts and len(taken) < _MOST_TOGETHER:
                taken.append(_waiting_acts.popleft())
                taken[-1].do(session)
    except TryAgain as problem:
        taken = taken or [_waiting_acts.popleft()]
        for one in taken:
            one.problem = problem
    except Exception:  # noqa: BLE001 - whose fault it is shows when each does its own
        for one in taken:
            _alone(one)
    for one in taken:
        one.taken = True
    return taken


def _alone(one: _Act[Any]) -> None:
    try:
        with _transaction(pen.SYNCS_LATER) as session:
            one.do(session)
    except Exception as problem:  # noqa: BLE001 - raised in the thread that asked
        one.problem = problem


def _settle(led: Sequence[_Act[Any]]) -> None:
    """Wait for the disk, for all who were led at once, and let them go on."""
    refused: TryAgain | None = None
    try:
        if any(one.problem is None for one in led):
            pen.sync(database.engine)
    except OSError as problem:
        # It is written, and may be gone after a power cut: nobody is told that it is kept, nor that nothing was.
        refused = TryAgain("database_unavailable", _PERHAPS_NOT_KEPT)
        refused.__cause__ = problem
    for one in led:
        one.problem = one.problem or refused
        one.settled.set()


_PERHAPS_NOT_KEPT = "The disk refused; it may be full or failing. Perhaps this was not kept; see to it, then try again."


def plain(problem: OperationalError | TimeoutError) -> str:
    """Return one sentence for people about a database that did not do as asked; nothing was changed then."""
    words = str(getattr(problem, "orig", problem)).lower()
    if "locked" in words or "busy" in words or isinstance(problem, TimeoutError):
        return "The database is busy with another change. Nothing was changed; try again in a moment."
    if "full" in words or "no space" in words:
        return "The disk is full. Nothing was changed; free some space and try again."
    if "disk i/o" in words:
        return "The disk refused; it may be full or failing. Nothing was changed; see to it, then try again."
    return "The database does not answer. Nothing was changed; check that it runs, then try again."


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session that only looks; whatever it changed is rolled back."""
    session: Session = database.session()
    if session.in_transaction():
        session.rollback()
    try:
        yield session
    except (OperationalError, TimeoutError) as problem:
        raise TryAgain("database_unavailable", plain(problem)) from problem
    finally:
        session.rollback()


@contextmanager
def aside() -> Iterator[Session]:
    """Open a session of its own that only looks; what was found in it is nobody else's, and outlives it."""
    try:
        with Session(database.engine) as session:
            yield session
    except (OperationalError, TimeoutError) as problem:
        raise TryAgain("database_unavailable", plain(problem)) from problem


@contextmanager
def snapshot() -> Iterator[Session]:
    """Open a session of its own that sees one moment of the database for as long as it reads; nothing is kept.

    Others go on writing meanwhile: SQLite reads beside its log, PostgreSQL at REPEATABLE READ.
    """
    options: dict[str, Any] = {}
    if database.engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with database.engine.connect() as connection, Session(connection.execution_options(**options)) as session:
            yield session
    except (OperationalError, TimeoutError) as problem:
        raise TryAgain("database_unavailable", plain(problem)) from problem


def newest_revision() -> str:
    """Return the name of the newest migration that this code knows."""
    return (places.migrations() / ".head").read_text().strip()
