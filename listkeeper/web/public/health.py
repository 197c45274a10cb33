"""For machines that watch: does this process answer, and could mail leave. No secrets, no places, no names.

``/health`` is asked often and says whether to send visitors here. ``/ready``
looks at all that sending leans on; what could not be looked at is unknown, and
never counts as right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import redis
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from listkeeper import parts, store
from listkeeper.audience.proof import witness
from listkeeper.foundation import disk
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.settings import Settings

blueprint = Blueprint("health", __name__)
_RIGHT, _WRONG, _UNKNOWN = "right", "wrong", "unknown"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: str
    message: str


@blueprint.get("/health")
def show() -> Response:
    """Answer 200 when the database does, else 503."""
    try:
        with store.reading() as session:
            session.execute(text("SELECT 1"))
    except TryAgain:
        return _answer({"status": "unavailable", "database": "not answering"}, well=False)
    return _answer({"status": "ok", "database": "answering"}, well=True)


@blueprint.get("/ready")
def ready() -> Response:
    """Answer 200 when all that sending leans on is right, else 503; each check says its own."""
    checks = [check for look in _LOOKS for check in look()]
    well = all(check.verdict == _RIGHT for check in checks)
    return _answer({"status": "ready" if well else "not ready", "checks": [asdict(one) for one in checks]}, well=well)


def _answer(said: dict[str, object], *, well: bool) -> Response:
    answer = jsonify(said)
    answer.status_code = 200 if well else 503
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _database() -> Iterator[Check]:
    newest = store.newest_revision()
    try:
        with store.reading() as session:
            found = session.scalar(text("SELECT version_num FROM alembic_version"))
            stopped = witness.is_stopped(session) if found == newest else None
    except (TryAgain, DBAPIError):
        yield Check("database", _WRONG, "The database does not answer as it should.")
        yield Check(
            "migration", _UNKNOWN, "The database does not answer as it should, so nobody knows how it is laid out."
        )
        yield Check(
            "ledger", _UNKNOWN, "The database does not answer as it should, so nobody knows how the ledger stands."
        )
        return
    yield Check("database", _RIGHT, "The database answers.")
    if found != newest:
        yield Check("migration", _WRONG, f"The database is at migration {found}; this program needs {newest}.")
        yield Check("ledger", _UNKNOWN, "The database is laid out for another version of the program.")
        return
    yield Check("migration", _RIGHT, f"The database is at migration {newest}, as this program needs.")
    if stopped:
        yield Check("ledger", _WRONG, "The ledger is not the one that was witnessed: nothing is sent.")
    else:
        yield Check("ledger", _RIGHT, "No witness contradicts the ledger.")


def _queue_server() -> Iterator[Check]:
    try:
        worked = {lane for worker in parts.workers() for lane in worker.lanes}
        kept = parts.timetables()
    except redis.RedisError:
        yield Check("queue", _WRONG, "The queue server does not answer.")
        yield Check("workers", _UNKNOWN, "Without the queue server nobody knows whether workers run.")
        yield Check("timetable", _UNKNOWN, "Without the queue server nobody knows whether the timetable runs.")
        return
    yield Check("queue", _RIGHT, "The queue server answers.")
    idle = [lane.value for lane in Lane if lane not in worked]
    if idle:
        yield Check("workers", _WRONG, f"Nobody works on: {', '.join(idle)}.")
    else:
        yield Check("workers", _RIGHT, "Every lane is worked.")
    if kept:
        yield Check("timetable", _RIGHT, "The timetable runs.")
    else:
        yield Check("timetable", _WRONG, "The timetable does not run: nothing left behind is picked up.")


def _disk() -> Iterator[Check]:
    settings: Settings = current_app.config["LISTKEEPER"]
    free = disk.free(settings.data_folder)
    if free is None:
        yield Check("disk", _UNKNOWN, "The system does not say how much room there is.")
    elif free < settings.least_free_bytes:
        yield Check("disk", _WRONG, "The disk is full: nothing is sent.")
    else:
        yield Check("disk", _RIGHT, "There is room on the disk.")


_LOOKS: tuple[Callable[[], Iterator[Check]], ...] = (_database, _queue_server, _disk)
