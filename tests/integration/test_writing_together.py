"""Small writes of one process that come at the same moment: all of them once, and each answers for itself alone."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.foundation import outbox, pen, throttle
from listkeeper.foundation.bell import Bell
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.throttle import ThrottleWindow
from tests.fakes import slow_database
from tests.fakes.databases import Database

HOUR = timedelta(hours=1)
_THREADS, _EACH = 8, 12


def _together(act: Callable[[Session], object]) -> Callable[[], object]:
    return lambda: store.together(act)


def _share(key: str, *, lingers: float = 0.0) -> Callable[[], object]:
    return lambda: store.shared(_take_all, key, lingers=lingers)


def _at_once(app: Flask, acts: list[Callable[[], object]]) -> list[object]:
    """Do all of these from threads of their own that start together; return what each came to, or what it raised."""
    ready, found = threading.Barrier(len(acts)), [None] * len(acts)

    def do(place: int) -> None:
        with app.app_context():
            ready.wait(10)
            try:
                found[place] = acts[place]()  # type: ignore[call-overload]
            except Exception as problem:  # noqa: BLE001 - looked at by the test
                found[place] = problem  # type: ignore[call-overload]

    threads = [threading.Thread(target=do, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return list(found)


def _used(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        return sum(session.scalars(select(ThrottleWindow.used)))


def _take(session: Session) -> bool:
    return throttle.take(session, "x", "key", 10_000, HOUR)


def test_everything_is_done_once_and_everybody_told(app: Flask, database: Database) -> None:
    for _ in range(_EACH):
        assert _at_once(app, [_together(_take)] * _THREADS) == [True] * _THREADS
    assert _used(app) == _THREADS * _EACH


def test_the_limit_holds_however_many_come_at_once(app: Flask, database: Database) -> None:
    taken = _at_once(app, [_together(lambda session: throttle.take(session, "x", "key", 5, HOUR))] * 20)
    assert sorted(map(bool, taken)) == [False] * 15 + [True] * 5


def test_a_fault_is_its_own_threads_alone(app: Flask, database: Database) -> None:
    def fail(session: Session) -> object:
        _take(session)
        raise ValueError("mine")

    for _ in range(_EACH):
        found = _at_once(app, [_together(act) for act in (_take, _take, fail, _take, fail, _take)])
        assert [type(each).__name__ for each in found] == ["bool", "bool", "ValueError", "bool", "ValueError", "bool"]
    # What the failing ones wrote was taken back with them.
    assert _used(app) == 4 * _EACH


def _take_all(session: Session, keys: Sequence[str]) -> list[str]:
    """Take one for each key, and say in whose order; whoever asks for the wrong one fails them all."""
    if "wrong" in keys:
        raise ValueError("mine")
    for key in keys:
        throttle.take(session, "x", key, 10_000, HOUR)
    _seen_together.append(len(keys))
    return [f"{key} done" for key in keys]


_seen_together: list[int] = []


def test_what_is_shared_is_done_for_all_at_once_and_each_gets_its_own(app: Flask, database: Database) -> None:
    """On both databases: the statements are shared, not only the pen."""
    _seen_together.clear()
    for _ in range(_EACH):
        keys = [f"key-{number}" for number in range(_THREADS)]
        assert _at_once(app, [_share(key) for key in keys]) == [f"{key} done" for key in keys]
    assert sum(_seen_together) == _THREADS * _EACH == _used(app)
    assert len(_seen_together) < _THREADS * _EACH


def test_a_fault_in_what_is_shared_is_its_own_threads_alone(app: Flask, database: Database) -> None:
    for _ in range(_EACH):
        found = _at_once(app, [_share(key) for key in ("a", "wrong", "b", "c")])
        assert [str(each) for each in found] == ["a done", "mine", "b done", "c done"]
    assert _used(app) == 3 * _EACH


def test_whoever_leads_hands_on_and_nobody_waits_for_ever(app: Flask, database: Database) -> None:
    """More than one transaction holds come at once, each of them several times over."""
    _seen_together.clear()

    def again(key: str) -> Callable[[], object]:
        return lambda: [_share(key)() for _ in range(5)]

    found = _at_once(app, [again(f"key-{number}") for number in range(40)])
    assert [len(each) for each in found] == [5] * 40  # type: ignore[arg-type]
    assert sum(_seen_together) == 200 == _used(app)
    assert max(_seen_together) <= 16


def test_whoever_leads_lingers_for_those_who_came_the_last_time_and_alone_for_nobody(
    app: Flask, database: Database
) -> None:
    def at_once(*keys: str, lingers: float) -> float:
        begun = time.monotonic()
        assert _at_once(app, [_share(key, lingers=lingers) for key in keys]) == [f"{key} done" for key in keys]
        return time.monotonic() - begun

    store._lines.clear()  # noqa: SLF001 - whoever came in other tests is not waited for
    _seen_together.clear()
    for _ in range(2):
        assert at_once("a", lingers=30) < 15
    # Those who come while one is led stand in line, and whoever leads next waits a moment until all are there again.
    for _ in range(3):
        at_once("a", "b", "c", "d", lingers=0.2)
    assert sum(_seen_together) == 14 == _used(app)
    assert max(_seen_together) > 1


def test_one_that_fails_among_those_who_lingered_fails_alone(app: Flask, database: Database) -> None:
    for _ in range(3):
        found = _at_once(app, [_share(key, lingers=0.05) for key in ("a", "wrong", "b", "c")])
        assert [str(each) for each in found] == ["a done", "mine", "b done", "c done"]
    assert _used(app) == 9


def test_what_goes_together_rings_at_once_and_then_not_for_each(app: Flask, database: Database) -> None:
    """On the disk before the bell; and whoever hears it looks at all that waits."""
    rung: list[set[Lane]] = []
    often = threading.Event()

    def ring(lanes: set[Lane]) -> None:
        rung.append(lanes)
        if len(rung) > 1:
            often.set()

    store._patient_bells[:] = [Bell(ring, every=1.0)]  # noqa: SLF001 - heard here
    assert _at_once(app, [lambda: store.shared(_write_facts, 0)]) == [0]
    assert rung == [{Lane.URGENT}]
    for number in range(1, 5):
        _at_once(app, [lambda number=number: store.shared(_write_facts, number)])  # type: ignore[misc]
    assert often.wait(10)
    assert rung[1] == {Lane.URGENT}
    assert len(rung) < 5
    with app.app_context(), store.reading() as session:
        assert len(outbox.waiting(session, Lane.URGENT)) == 5


def _write_facts(session: Session, numbers: Sequence[int]) -> Sequence[int]:
    outbox.write_all(session, "thing.happened", numbers, Lane.URGENT)
    return numbers


# Where there is one pen: on PostgreSQL each small write is a transaction of its own.


@pytest.mark.only_on("sqlite")
def test_nobody_is_told_before_it_is_on_the_disk_and_others_write_meanwhile(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut takes nothing back that was answered; and a slow disk keeps nobody from the pen."""
    reached, goes_on = threading.Event(), threading.Event()
    told: list[bool] = []

    def slow(file: int) -> None:
        reached.set()
        assert goes_on.wait(10)
        os_fsync(file)

    os_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", slow)

    def post() -> None:
        with app.app_context():
            told.append(store.together(_take))

    waiting = threading.Thread(target=post)
    waiting.start()
    assert reached.wait(10)
    with app.app_context(), store.transaction() as session:
        assert _take(session)
    assert told == []
    goes_on.set()
    waiting.join(10)
    assert told == [True]
    assert _used(app) == 2


@pytest.mark.only_on("sqlite")
def test_a_disk_that_refuses_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    [found] = _at_once(app, [_together(_take)])
    assert isinstance(found, TryAgain)
    # It may be there or not, so neither is said.
    assert "Perhaps this was not kept" in found.message
    assert "Nothing was changed" not in found.message
    monkeypatch.undo()
    assert _at_once(app, [_together(_take)]) == [True]


@pytest.mark.only_on("sqlite")
def test_whoever_works_in_the_background_leaves_the_pen_to_others(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(pen, "_ask_again", [0.0])
    pen.give_way()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        # Whoever had it lays it down while we wait.
        if held.in_transaction:
            held.execute("ROLLBACK")

    monkeypatch.setattr(time, "sleep", sleep)
    with app.app_context(), store.database.engine.connect() as connection:
        held: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        with store.transaction() as session:
            _take(session)
        assert slept == []
        held.execute("BEGIN IMMEDIATE")
        with store.transaction() as session:
            _take(session)
    waited, rested = slept
    assert waited == pytest.approx(0.004)
    assert 0 < rested <= 0.1


@pytest.mark.only_on("sqlite")
def test_a_database_that_is_busy_for_too_long_is_told_to_everybody(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pen, "WAITS_MILLISECONDS", 50)
    with slow_database.pen_taken(database):
        found = _at_once(app, [_together(_take)] * 4)
    assert [type(each) for each in found] == [TryAgain] * 4
    assert _at_once(app, [_together(_take)]) == [True]
    assert _used(app) == 1


@pytest.mark.only_on("sqlite")
def test_a_database_that_is_none_is_told_to_everybody_and_keeps_nobody_waiting(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leads meets it before anybody was taken out of the line."""

    def fail(_driver: sqlite3.Connection) -> bool:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(pen, "_taken_up", fail)
    found = _at_once(app, [_share(key) for key in "abcd"])
    assert {str(each) for each in found} == {"database disk image is malformed"}
    monkeypatch.undo()
    assert _at_once(app, [_share("a")]) == ["a done"]


@pytest.mark.only_on("sqlite")
def test_those_who_give_way_take_turns_and_keep_nobody_else_waiting(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker waits for the other's turn to end; a post of somebody does not even ask whose turn it is."""
    turn = Path(f"{make_url(database.url).database}-turn").open("w")  # noqa: SIM115 - another worker's, held for a while
    fcntl.flock(turn, fcntl.LOCK_EX)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        turn.close()

    monkeypatch.setattr(time, "sleep", sleep)
    with app.app_context(), store.transaction() as session:
        _take(session)
    assert (slept, turn.closed) == ([], False)
    monkeypatch.setattr(pen, "_ask_again", [0.0])
    pen.give_way()
    with app.app_context(), store.transaction(syncs_later=True) as session:
        _take(session)
    assert (len(slept), turn.closed) == (1, True)
    assert pen._turn == []  # noqa: SLF001 - passed on
