"""Whoever holds locks and falls silent loses them at PostgreSQL, and is told so in a way that it can bear."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import text

from listkeeper import store
from listkeeper.foundation import silence
from listkeeper.foundation.errors import TryAgain
from tests.fakes.databases import Database

_ASKS = text("SHOW idle_in_transaction_session_timeout")


def _is_bound_to() -> object:
    with store.reading() as session:
        return session.scalar(_ASKS)


def _falls_silent(then: str = "") -> None:
    with store.transaction() as session:
        session.execute(text("SELECT 1"))
        time.sleep(0.6)
        if then:
            session.execute(text(then))


@pytest.mark.only_on("postgresql")
def test_silence_is_borne_for_a_minute_and_an_exports_for_ever(app: Flask, database: Database) -> None:
    with app.app_context():
        assert _is_bound_to() == "1min"
        with store.snapshot() as session:
            assert session.scalar(_ASKS) == "0"
        assert _is_bound_to() == "1min"


@pytest.mark.only_on("postgresql")
def test_whoever_comes_back_too_late_is_told_to_try_again(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SECONDS", 0.2)
    with app.app_context():
        with pytest.raises(TryAgain):
            _falls_silent(then="SELECT 2")
        with pytest.raises(TryAgain):
            _falls_silent()
        with store.transaction() as session:
            assert session.scalar(text("SELECT 3")) == 3
