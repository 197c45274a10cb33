"""An import that is killed with no warning goes on where the last commit ended: no row is lost, none is there twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.audience.importing.batch import ImportBatch, ImportRow, ImportState
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.makers import cafe, exports

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 100.0


def _command(settings: Settings, file: Path) -> list[str]:
    stated = [
        "--basis", "consent", "--origin", "https://cafe.example/news", "--method", "form with confirmation",
        "--text", "We write to you once a month.", "--attest", "Everybody here signed up on our own form.",
        "--no-opt-outs-file", "--json",
    ]  # fmt: skip
    return [sys.executable, "-m", "listkeeper.cli.main", "import", str(file), "--list", "news", *stated]


def _environment(settings: Settings) -> dict[str, str]:
    named = os.environ | {"LISTKEEPER_DATA": str(settings.data_folder), "LISTKEEPER_PUBLIC_URL": settings.site}
    return named | ({"LISTKEEPER_DATABASE_URL": settings.database_url} if settings.database_url else {})


def _count(app: Flask, table: type[ImportRow | Subscriber | Subscription]) -> int:
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _kill(app: Flask, words: list[str], environment: dict[str, str], chance: random.Random) -> bool:
    """Start an import and kill it soon after something new was committed; False when it was quicker."""
    running = subprocess.Popen(words, cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before, begun = _count(app, ImportRow), time.monotonic()
    while running.poll() is None and _count(app, ImportRow) <= before and time.monotonic() < begun + _PATIENCE:
        time.sleep(0.05)
    time.sleep(chance.random() * 0.3)
    killed = running.poll() is None
    running.kill()
    running.wait(_PATIENCE)
    with app.app_context(), store.reading() as session:
        state = session.scalars(select(ImportBatch.state)).one()
    # What is loaded in part is shown as that.
    assert state is (ImportState.LOADING if killed else ImportState.FINISHED)
    return killed


@pytest.mark.whole_program
def test_killed_again_and_again(
    app: Flask,
    settings: Settings,
    database: Database,
    tmp_path: Path,
    *,
    chance: random.Random,
    share: Callable[[str, int, int], int],
) -> None:
    rows = share("rows of an import that is killed", 250_000, 15_000)
    people = [f"person-{number}@crowd.example" for number in range(rows)]
    file = exports.write(tmp_path / "subscribed.csv", exports.mailchimp("subscribed", people))
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    words, environment = _command(settings, file), _environment(settings)
    killed = sum(_kill(app, words, environment, chance) for _ in range(3 if rows > 100_000 else 1))
    done = subprocess.run(words, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True)
    assert json.loads(done.stdout)["counts"] == {"new": rows}
    assert killed >= 1
    assert [_count(app, table) for table in (ImportRow, Subscriber, Subscription)] == [rows, rows, rows]
    with app.app_context(), store.reading() as session:
        batch = session.scalars(select(ImportBatch)).one()
        events = session.scalars(select(LedgerRow).where(LedgerRow.type == "import.batch")).all()
        assert sum(ledger.fields_of(event)["details"]["rows"] for event in events) == rows
        assert (batch.state, batch.counts) == (ImportState.FINISHED, {"new": rows})
