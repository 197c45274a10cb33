"""A line to the database that was idle while the server went away is opened anew, and nobody notices."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from listkeeper import store
from listkeeper.foundation import idle_line
from listkeeper.foundation.errors import TryAgain
from tests.fakes.databases import Database


def _ends_all_idle_lines() -> None:
    """End the lines of this process that lie in its pool, as a server does that starts anew."""
    with store.database.engine.connect() as connection, store.database.engine.connect() as other:
        other.execute(select(1))
        other.rollback()
        number = other.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        other.close()
        connection.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})


@pytest.mark.only_on("postgresql")
def test_an_idle_line_is_asked_before_it_is_trusted(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        monkeypatch.setattr(idle_line, "SECONDS", 0.0)
        _ends_all_idle_lines()
        for _ in range(3):
            with store.reading() as session:
                assert session.scalar(select(1)) == 1


@pytest.mark.only_on("postgresql")
def test_one_that_was_used_a_moment_ago_may_be_lost_and_that_may_be_tried_again(app: Flask, database: Database) -> None:
    with app.app_context():
        _ends_all_idle_lines()
        lost = 0
        for _ in range(3):
            try:
                with store.transaction() as session:
                    assert session.scalar(select(1)) == 1
            except TryAgain:
                lost += 1
        assert lost == 1
        with store.transaction() as session:
            assert session.scalar(select(1)) == 1
