"""What a person reads when the database does not do as asked."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import exc

from listkeeper import store


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (exc.OperationalError("UPDATE full", {}, sqlite3.OperationalError("database is locked")), "busy"),
        (exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("database or disk is full")), "disk is full"),
        (exc.OperationalError("UPDATE locked", {}, sqlite3.OperationalError("no such host")), "does not answer"),
        (exc.TimeoutError("QueuePool limit of size 8 overflow 4 reached"), "busy"),
    ],
)
def test_the_sentence_is_about_what_the_database_said(
    problem: exc.OperationalError | exc.TimeoutError, said: str
) -> None:
    assert said in store.plain(problem)
