"""A worker whose machine's clock is wrong goes by the database's; one that is a little off is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
import time_machine
from flask import Flask

from listkeeper.foundation import clock
from listkeeper.foundation.errors import TryAgain
from listkeeper.jobs import timekeeping
from tests.fakes.databases import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Give the clock back to the machine."""
    yield
    clock.go_by(NOON, NOON)


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(seconds=3)])
def test_a_wrong_clock_is_corrected_and_a_right_one_again_is_not(ahead: timedelta) -> None:
    with time_machine.travel(NOON + ahead, tick=False) as traveller:
        assert clock.now() == NOON + ahead
        assert clock.go_by(NOON, clock.of_machine()) == ahead
        assert clock.now() == NOON
        # It runs on, corrected, until it is looked at again.
        traveller.shift(60)
        assert clock.now() == NOON + timedelta(seconds=60)
        traveller.move_to(NOON)
        assert clock.go_by(NOON, clock.of_machine()) == timedelta(0)
        assert clock.now() == NOON


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1.9), timedelta(seconds=-1.9)])
def test_a_small_difference_is_none(ahead: timedelta) -> None:
    with time_machine.travel(NOON + ahead, tick=False):
        assert clock.go_by(NOON, clock.of_machine()) == timedelta(0)
        assert clock.now() == NOON + ahead


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_a_worker_asks_its_database(app: Flask, database: Database, ahead: timedelta) -> None:
    right = datetime.now(UTC)
    with app.app_context(), time_machine.travel(right + ahead, tick=True):
        timekeeping.look()
        wrong = abs(clock.now() - right) > timedelta(minutes=9)
    # SQLite has no clock but this machine's.
    assert wrong == (database.kind == "sqlite")


def test_a_database_that_is_away_says_nothing(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> NoReturn:
        raise TryAgain("database_unavailable", "The database does not answer.")

    clock.go_by(NOON, NOON + timedelta(hours=1))
    monkeypatch.setattr("listkeeper.store.aside", away)
    with app.app_context():
        timekeeping.look()
    with time_machine.travel(NOON, tick=False):
        assert clock.now() == NOON - timedelta(hours=1)
