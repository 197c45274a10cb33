"""``/ready``: right only when all that sending leans on is; what could not be looked at is unknown, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from flask.testing import FlaskClient
from rq.cron import CronScheduler
from sqlalchemy import update

from listkeeper import parts, store
from listkeeper.audience.proof.ledger import LedgerHead
from listkeeper.foundation import clock, disk, process
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs.worker import LaneWorker
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer

RIGHT = {"database", "migration", "ledger", "queue", "workers", "timetable", "disk"}


@pytest.fixture
def at_work(app: Flask, database: Database, queue: QueueServer) -> Iterator[LaneWorker]:
    """A worker and a timetable that have said that they live, as this process."""
    worker = LaneWorker(tuple(Lane), app.app_context, queue.client)
    worker.register_birth()
    timetable = CronScheduler(connection=queue.client, name=process.me())
    timetable.register_birth()
    yield worker
    timetable.register_death()


def _ends(worker: LaneWorker) -> None:
    worker.register_death()  # type: ignore[no-untyped-call]


def asked(client: FlaskClient) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the status, and for each check its verdict and words."""
    answer = client.get("/ready")
    assert answer.json is not None
    assert answer.json["status"] == ("ready" if answer.status_code == 200 else "not ready")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, {one["name"]: (one["verdict"], one["message"]) for one in answer.json["checks"]}


def wrong(client: FlaskClient) -> dict[str, str]:
    """Return what is not right; it is asked for with 503."""
    status, checks = asked(client)
    assert set(checks) == RIGHT
    found = {name: verdict for name, (verdict, message) in checks.items() if verdict != "right" or not message}
    assert status == (503 if found else 200)
    return found


def test_it_is_ready_when_everything_is(client: FlaskClient, house: None, at_work: LaneWorker) -> None:
    assert wrong(client) == {}


def test_a_lane_that_nobody_works_on(client: FlaskClient, app: Flask, house: None, at_work: LaneWorker) -> None:
    _ends(at_work)
    assert wrong(client) == {"workers": "wrong"}
    LaneWorker((Lane.SENDING,), app.app_context, parts.queue_server()).register_birth()
    assert asked(client)[1]["workers"] == ("wrong", "Nobody works on: urgent, background.")


def test_a_worker_of_this_machine_that_was_killed_works_no_more(
    client: FlaskClient, house: None, at_work: LaneWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "is_dead", lambda name: name == process.me())
    assert wrong(client) == {"workers": "wrong", "timetable": "wrong"}


def test_a_queue_server_that_is_away(client: FlaskClient, app: Flask) -> None:
    assert wrong(client) == {"queue": "wrong", "workers": "unknown", "timetable": "unknown"}
    assert client.get("/health").status_code == 200


def test_a_database_of_another_version(
    client: FlaskClient, house: None, at_work: LaneWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "newest_revision", lambda: "9999")
    assert wrong(client) == {"migration": "wrong", "ledger": "unknown"}


def test_a_database_that_is_away(
    client: FlaskClient, house: None, at_work: LaneWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def away() -> Iterator[None]:
        raise TryAgain("database_unavailable", "The database does not answer at db.cafe.example.")
        yield

    monkeypatch.setattr(store, "reading", away)
    assert wrong(client) == {"database": "wrong", "migration": "unknown", "ledger": "unknown"}
    assert "db.cafe.example" not in client.get("/ready").text


def test_a_ledger_that_has_forked(client: FlaskClient, house: None, at_work: LaneWorker) -> None:
    with store.transaction() as session:
        session.execute(update(LedgerHead).values(forked_at=clock.now()))
    assert wrong(client) == {"ledger": "wrong"}


def test_a_full_disk_and_one_that_does_not_answer(
    client: FlaskClient, house: None, at_work: LaneWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free", lambda _folder: 1_000)
    assert wrong(client) == {"disk": "wrong"}
    monkeypatch.setattr(disk, "free", lambda _folder: None)
    assert wrong(client) == {"disk": "unknown"}


def test_it_tells_no_secret_and_no_place(
    client: FlaskClient, house: None, at_work: LaneWorker, settings: Settings
) -> None:
    _ends(at_work)
    said = json.dumps(client.get("/ready").json)
    host = process.me().partition(":")[0]
    for word in (str(settings.data_folder), host, settings.queue, "postgres", "sqlite", "cafe.example"):
        assert word not in said
