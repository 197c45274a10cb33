"""The database of this process: one engine, sessions, and the only commit.

``transaction()`` is the one way to change anything and ``reading()`` the one
way to look. Both need the application's context, which ``app.create_app``
gives to web requests and the shells push for themselves.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import OperationalError, TimeoutError  # noqa: A004 - the pool's own, not Python's
from sqlalchemy.orm import Session

from listkeeper.foundation import outbox, pen, places, silence
from listkeeper.foundation.bell import Bell
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.line import Line, Turn
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
Item = TypeVar("Item")
Result = TypeVar("Result")
_bells: list[Callable[[set[Lane]], None]] = []
# The same, for what goes together: hundreds a second need no ring each.
_patient_bells: list[Bell] = []


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
    options: dict[str, Any] = {"hide_parameters": True}
    if settings.database_url is None:
        options["connect_args"] = {"check_same_thread": False, "timeout": pen.WAITS_MILLISECONDS / 1000}
    else:
        options |= {"pool_size": settings.web_threads, "max_overflow": 4}
    app.config |= {"SQLALCHEMY_DATABASE_URI": settings.database, "SQLALCHEMY_ENGINE_OPTIONS": options}
    database.init_app(app)
    _changes[0] += 1
    _bells[:] = [ring] if ring else []
    ring_no_more()
    _patient_bells[:] = [Bell(ring)] if ring else []


def ring_no_more() -> None:
    """Keep silent about what is owed a ring, as a process does that ends."""
    for bell in _patient_bells:
        bell.ring_no_more()


class Disk:
    """The disk at work on what a transaction wrote, while whoever wrote it goes on with what may be undone.

    On SQLite the transaction has ended, on PostgreSQL it ends meanwhile: the session is nobody's until ``wait``.
    """

    def __init__(self) -> None:
        self._under_way: Future[None] | None = None
        self._session: Session | None = None
        self._lanes: set[Lane] = set()

    def end(self, session: Session) -> None:
        """End a transaction: at once on SQLite, and elsewhere together with its disk."""
        if pen.is_needed(database.engine):
            session.commit()
            return
        session.flush()
        self._session = session
        self._under_way = _disks().submit(copy_context().run, session.commit)

    def tell(self, lanes: set[Lane]) -> None:
        """Ring for these lanes once it is written."""
        self._lanes |= lanes

    def begin(self) -> None:
        """Let it work."""
        if self._under_way is None:
            self._under_way = _disks().submit(pen.sync, database.engine)

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._under_way is None or self._under_way.done()

    def wait(self) -> None:
        """Wait until it has all. Raises TryAgain when it refuses, or the database is away."""
        if self._under_way is None:
            return
        try:
            with _plainly():
                self._under_way.result()
        except BaseException as problem:
            if self._session is not None:
                self._session.rollback()
            if isinstance(problem, OperationalError | TimeoutError):
                raise TryAgain("database_unavailable", plain(problem)) from problem
            raise
        finally:
            self._under_way = self._session = None
        if self._lanes:
            _ring(self._lanes)


@cache
def _disks() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")


@contextmanager
def transaction(*, syncs_later: bool = False, disk: Disk | None = None) -> Iterator[Session]:
    """Open a transaction that is committed whole at the end of the block, or not at all.

    Raises TryAgain when the database is locked, full or away; nothing is changed then.
    ``syncs_later``: SQLite's pen goes to the next before the disk has it, and the block ends when it has; when the
    disk refuses then, it was written and may be gone after a power cut. For what may be done twice. With ``disk`` the
    block ends before, and whoever gave it waits for it.
    """
    try:
        options = pen.SYNCS_LATER if syncs_later else pen.WRITES
        with _transaction(options) if disk is None else _transaction(options, disk.tell, disk.end) as session:
            yield session
        if disk is not None:
            disk.begin()
        elif syncs_later and pen.is_needed(database.engine):
            _sync()
    finally:
        _changes[0] += 1


def _sync() -> None:
    with _plainly():
        pen.sync(database.engine)


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        # It is written, and may be gone after a power cut: nobody is told that it is kept, nor that nothing was.
        raise TryAgain("database_unavailable", _PERHAPS_NOT_KEPT) from problem


def changes() -> int:
    """Return a number that is another one after each transaction of this process, but for what goes ``together``."""
    return _changes[0]


def _ring(lanes: set[Lane]) -> None:
    for ring in _bells:
        ring(lanes)


@contextmanager
def _transaction(
    options: Mapping[str, bool] = pen.WRITES,
    tell: Callable[[set[Lane]], None] = _ring,
    end: Callable[[Session], None] = Session.commit,
) -> Iterator[Session]:
    session: Session = database.session()
    if session.in_transaction():
        session.rollback()
    try:
        if pen.is_needed(database.engine):
            session.connection(execution_options=options)
        begun = time.monotonic()
        yield session
        end(session)
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
        tell(lanes)


def together(act: Callable[[Session], Result]) -> Result:
    """Do a small write, in one transaction with those that others of this process ask for at the same time.

    SQLite has one pen, and most of a small write is taking it up and laying it down. ``act`` may be done twice, the
    first time for nothing, and in another thread than its own. Elsewhere it is a transaction of its own.
    Raises TryAgain as ``transaction`` does.
    """
    if not pen.is_needed(database.engine):
        with _transaction() as session:
            return act(session)
    return shared(_one_by_one, act)


def _one_by_one(session: Session, acts: Sequence[Callable[[Session], Result]]) -> list[Result]:
    return [act(session) for act in acts]


def shared(act: Callable[[Session, Sequence[Item]], Sequence[Result]], item: Item, *, lingers: float = 0.0) -> Result:
    """Let ``act`` write down this item with those that others of this process bring at the same time.

    Whoever comes first does it for all who wait, in one transaction, and the next begins before what was written is
    on the disk, which each of them waits for. ``act`` is told all items and returns what each came to, in order; it may
    be done twice, the first time for nothing, and in another thread than the item's. For an act whose beginning costs
    more than each item, whoever leads ``lingers`` up to so many seconds until as many are there as went together the
    last time; whoever went alone then waits for nobody now. Raises TryAgain as ``transaction`` does.
    """
    line, mine = _lines.setdefault(act, Line()), Turn(item)
    if not line.joined(mine):
        mine.wait()
    if mine.leads:
        if lingers:
            line.gather(lingers)
        _lead(line, act)
    return cast("Result", mine.value())


_lines: dict[Callable[..., Any], Line] = {}


def _lead(line: Line, act: Callable[[Session, Sequence[Any]], Sequence[Any]]) -> None:
    turns: list[Turn] = []
    lanes: set[Lane] = set()
    try:
        turns = _written(line, act, lanes)
    finally:
        line.hand_on()
    _settle(turns)
    # When nobody waits for it any more.
    for bell in _patient_bells if lanes else ():
        bell.ring_soon(lanes)


def _written(line: Line, act: Callable[[Session, Sequence[Any]], Sequence[Any]], lanes: set[Lane]) -> list[Turn]:
    turns: list[Turn] = []
    try:
        with _transaction(pen.SYNCS_LATER, lanes.update) as session:
            turns = line.taken()
            _do(session, act, turns)
    except TryAgain as problem:
        turns = turns or line.taken(_LEADER_ALONE)
        for one in turns:
            one.problem = problem
    except Exception:  # noqa: BLE001 - whose fault it is shows when each is done by itself
        turns = turns or line.taken(_LEADER_ALONE)
        for one in turns:
            _alone(act, one, lanes)
    return turns


# Whoever leads stands first in line, also where the pen was never had.
_LEADER_ALONE = 1


def _do(session: Session, act: Callable[[Session, Sequence[Any]], Sequence[Any]], turns: Sequence[Turn]) -> None:
    for one, came_to in zip(turns, act(session, [one.item for one in turns]), strict=True):
        one.came_to = came_to


def _alone(act: Callable[[Session, Sequence[Any]], Sequence[Any]], one: Turn, lanes: set[Lane]) -> None:
    try:
        with _transaction(pen.SYNCS_LATER, lanes.update) as session:
            _do(session, act, [one])
    except Exception as problem:  # noqa: BLE001 - raised in the thread that asked
        one.problem = problem


def _settle(turns: Sequence[Turn]) -> None:
    """Wait for the disk, for all who were led at once, and let them go on."""
    refused: TryAgain | None = None
    try:
        if pen.is_needed(database.engine) and any(one.problem is None for one in turns):
            _sync()
    except TryAgain as problem:
        refused = problem
    for one in turns:
        one.problem = one.problem or refused
        one.call(to_lead=False)


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
            # Whoever takes an export may read it as slowly as he likes.
            silence.endure(session.connection())
            yield session
    except (OperationalError, TimeoutError) as problem:
        raise TryAgain("database_unavailable", plain(problem)) from problem


def newest_revision() -> str:
    """Return the name of the newest migration that this code knows."""
    return (places.migrations() / ".head").read_text().strip()
