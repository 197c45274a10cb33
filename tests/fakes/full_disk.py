"""A small disk that is really full: a program of its own, on a file system in memory that only it sees.

Run as ``unshare -rm python -m tests.fakes.full_disk DATABASE SMTP_URL``; it prints as JSON what was seen at each step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.app import create_app
from listkeeper.foundation import disk
from listkeeper.foundation.errors import TryAgain
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import lanes, sending, watching
from listkeeper.sending import incident, planning
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.pacing import pace_alone
from listkeeper.settings import Settings
from tests.makers import cafe, crowd

_SIZE = "24m"
_LEAST_MEGABYTES = 4
PEOPLE = 20


def main(database: str, smtp_url: str) -> None:
    """Send with room, with too little, with none at all, and with room again."""
    # Without a queue server a worker goes slowly, and this is about room, not about pace.
    pace_alone._WITHOUT_LIMIT = 1e6  # noqa: SLF001 - as ``fresh_worker.hurry`` does
    with _small_disk() as folder:
        (folder / "listkeeper.db").write_bytes(Path(database).read_bytes())
        settings = Settings(data=folder, smtp_url=smtp_url, least_free_megabytes=_LEAST_MEGABYTES)
        app = create_app(settings, pages=False)
        with app.app_context(), store.transaction() as session:
            made = cafe.found(session)
            crowd.gather(session, made, PEOPLE)
            letter = cafe.draft(session, made)
            planning.send_campaign(session, made.organisation, letter, site="http://localhost:8025", practice=True)
        seen = {
            "too little": _worked(app, fill=folder / "filling", leave=2_000_000),
            "none": _worked(app, fill=folder / "filling", leave=0),
        }
        (folder / "filling").unlink()
        print(json.dumps(seen | {"room again": _worked(app)}))


@contextmanager
def _small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "none", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def _worked(app: Flask, *, fill: Path | None = None, leave: int = 0) -> dict[str, Any]:
    if fill is not None:
        _fill(fill, leave)
    disk.forget()
    with app.app_context():
        try:
            lanes.work(Lane.SENDING.value)
            said = ""
        except TryAgain as problem:
            said = problem.message
        sending.hang_up()
        with suppress(TryAgain):
            watching.look()
        with store.reading() as session:
            rows = list(session.scalars(select(Delivery).where(Delivery.lane == Lane.SENDING)))
            return {
                "states": Counter(row.state.value for row in rows),
                "attempts": sum(row.attempts for row in rows),
                "standing": [row.kind.value for row in incident.standing(session)],
                "said": said,
            }


def _fill(place: Path, leave: int) -> None:
    with place.open("ab") as file:
        try:
            while (free := (disk_free := os.statvfs(place)).f_bavail * disk_free.f_frsize) > leave:
                file.write(b"\0" * min(free - leave, 1 << 20))
                file.flush()
        except OSError:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
