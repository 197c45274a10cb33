"""Jobs for a real worker: each writes into a diary what happened to it.

``python -m tests.fakes.chores QUEUE_URL work|rounds`` runs a worker, or a timetable of one line, on a queue server.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from flask import Flask

from listkeeper import parts, store
from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import rounds, worker
from listkeeper.settings import Settings

_TICK = "tests.fakes.chores.tick"


def note(diary: str, word: str) -> None:
    """Write a word down."""
    with Path(diary).open("a") as file:
        file.write(f"{word} {os.getpid()}\n")


def slow(diary: str, word: str) -> None:
    """Take a second."""
    note(diary, f"{word}-begun")
    time.sleep(1)
    note(diary, f"{word}-done")


def fails(diary: str, address: str) -> None:
    """Break, with an address in the words."""
    note(diary, "breaks")
    raise RuntimeError(f"cannot mail {address}")


def later(diary: str) -> None:
    """Ask to be tried again."""
    note(diary, "later")
    raise TryAgain("database_unavailable", "The database is busy.")


def tick() -> None:
    """Do nothing."""


def main() -> None:
    """Run a worker, or a timetable, until a signal."""
    log.configure("INFO")
    parts.open_all(Settings(redis_url=sys.argv[1]))
    if sys.argv[2] == "work":
        worker.run(worker.LANES, _application().app_context)
    else:
        rounds.run([(_TICK, 1, Lane.BACKGROUND)])


def _application() -> Flask:
    """Make the least that a worker works in: it looks at its database's clock before each job."""
    application = Flask(__name__)
    application.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    store.database.init_app(application)
    return application


if __name__ == "__main__":
    main()
