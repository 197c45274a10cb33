"""A worker whose machine's clock is wrong goes by the database's; one that is a little off is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
import time_machine
from flask import Flask

from listkeeper.foundation import clock
from listkeeper.foundation.errors import TryAgain
from listkeeper.jobs import timekeeping
from tests.fakes.databases import Database

pytestmark = pytest.mark.usefixtures("clock_put_right")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("ahead", [timedelta(minutes=10), timedelta(minutes=-10)])
def test_a_worker_asks_its_database(app: Flask, database: Database, ahead: timedelta) -> None:
    right = datetime.now(UTC)
    with app.app_context(), time_machine.travel(right + ahead, tick=True):
        timekeeping.look()
        wrong = abs(clock.now() - right) > timedelta(minutes=9)
    # SQLite has no clock but this machine's.
    assert wrong == (database.kind == "sqlite")


@pytest.mark.only_on("postgresql")
def test_a_database_that_is_away_says_nothing(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> NoReturn:
        raise TryAgain("database_unavailable", "The database does not answer.")

    clock.go_by(NOON, NOON + timedelta(hours=1))
    monkeypatch.setattr("listkeeper.store.aside", away)
    with app.app_context():
        timekeeping.look()
    with time_machine.travel(NOON, tick=False):
        assert clock.now() == NOON - timedelta(hours=1)
