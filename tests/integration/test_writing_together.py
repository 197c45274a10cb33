"""Small writes of one process that come at the same moment: all of them once, and each answers for itself alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.foundation import throttle
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.throttle import ThrottleWindow
from tests.fakes.databases import Database

HOUR = timedelta(hours=1)
_THREADS, _EACH = 8, 12


def _at_once(app: Flask, acts: list[Callable[[Session], object]]) -> list[object]:
    """Do all of these from threads of their own that start together; return what each came to, or what it raised."""
    ready, found = threading.Barrier(len(acts)), [None] * len(acts)

    def do(place: int) -> None:
        with app.app_context():
            ready.wait(10)
            try:
                found[place] = store.together(acts[place])  # type: ignore[call-overload]
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
        assert _at_once(app, [_take] * _THREADS) == [True] * _THREADS
    assert _used(app) == _THREADS * _EACH


def test_the_limit_holds_however_many_come_at_once(app: Flask, database: Database) -> None:
    taken = _at_once(app, [lambda session: throttle.take(session, "x", "key", 5, HOUR)] * 20)
    assert sorted(map(bool, taken)) == [False] * 15 + [True] * 5


def test_a_fault_is_its_own_threads_alone(app: Flask, database: Database) -> None:
    def fail(session: Session) -> object:
        _take(session)
        raise ValueError("mine")

    for _ in range(_EACH):
        found = _at_once(app, [_take, _take, fail, _take, fail, _take])
        assert [type(each).__name__ for each in found] == ["bool", "bool", "ValueError", "bool", "ValueError", "bool"]
    # What the failing ones wrote was taken back with them.
    assert _used(app) == 4 * _EACH


def test_a_database_that_is_busy_for_too_long_is_told_to_everybody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BUSY_MILLISECONDS", 50)
    with app.app_context(), store.database.engine.connect() as held:
        held.connection.driver_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
        found = _at_once(app, [_take] * 4)
        held.connection.driver_connection.execute("ROLLBACK")  # type: ignore[union-attr]
    assert [type(each) for each in found] == [TryAgain] * 4
    assert _at_once(app, [_take]) == [True]
    assert _used(app) == 1
