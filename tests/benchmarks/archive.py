"""How many rows a second a backup writes and a restore brings back, on SQLite and (when asked) on PostgreSQL.

The limit is what the file system does with the same bytes: the unpacked archive written once and made durable. A
person is some six rows: herself, her subscription, two consent events, two rows of the ledger with sealed evidence.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from listkeeper import store
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscriber import Subscriber
from listkeeper.cli import context
from listkeeper.settings import Settings
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure
from tests.makers import cafe, crowd

_AT_ONCE = 2_000


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Back a crowd up (``backup``) or bring it back (``restore``)."""
    people = 200_000 if full else 10_000
    with _instance() as here:
        _fill(here, people)
        archive = here.data / "bench.zip"
        rows = _backup(here, archive)[0]
        size = archive.stat().st_size

        def write() -> float:
            archive.unlink()
            return rows / _backup(here, archive)[1]

        def bring_back() -> float:
            return rows / _restore(here, archive)

        run = write if name == "backup" else bring_back
        return figure.compare(
            name, "rows/s", run, lambda: rows / _bare(archive), repeats=repeats,
            limit_is="the same bytes written to a file and made durable",
            note=f"{rows} rows of {people} people, archive of {size / 1e6:.0f} MB; "
            f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
        )  # fmt: skip


@contextmanager
def _instance() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="lk-bench-"))
    database = os.environ.get("LISTKEEPER_BENCH_DATABASE_URL")
    try:
        yield Settings(data=folder / "data", database_url=database, public_url="http://localhost:8025")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(here: Settings, people: int) -> None:
    with context.opened(here, create=True):
        with store.transaction() as session:
            made = cafe.found(session)
            crowd.gather(session, made, people)
            owner = made.organisation.id
        with store.reading() as session:
            references = session.scalars(select(Subscriber.subject_ref)).all()
        for start in range(0, len(references), _AT_ONCE):
            events = [
                Event(kind, subject=reference, list="lst_bench", evidence={"address": f"{reference}@crowd.example"})
                for reference in references[start : start + _AT_ONCE]
                for kind in (EventType.REQUESTED, EventType.GIVEN)
            ]
            with store.transaction() as session:
                ledger.append(session, owner, events)


def _typed(here: Settings, *words: str) -> float:
    from listkeeper.cli.main import main  # noqa: PLC0415 - the command line as it is typed

    os.environ["LISTKEEPER_DATA"] = str(here.data)
    if here.database_url:
        os.environ["LISTKEEPER_DATABASE_URL"] = here.database_url
    start = time.perf_counter()
    code = main.main([*words, "--json"], standalone_mode=False)
    if code:
        raise RuntimeError(f"{words}: exit code {code}")
    return time.perf_counter() - start


def _backup(here: Settings, archive: Path) -> tuple[int, float]:
    took = _typed(here, "backup", "--out", str(archive))
    with zipfile.ZipFile(archive) as parcel:
        rows = sum(parcel.read(name).count(b"\n") for name in parcel.namelist() if name.startswith("tables/"))
    return rows, took


def _restore(here: Settings, archive: Path) -> float:
    folder = Path(tempfile.mkdtemp(prefix="lk-bench-"))
    try:
        shutil.copytree(here.data / "keys", folder / "keys")
        there = Settings(data=folder, database_url=None, public_url="http://localhost:8025")
        return _typed(there, "restore", str(archive))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bare(archive: Path) -> float:
    with zipfile.ZipFile(archive) as parcel:
        content = [parcel.read(name) for name in parcel.namelist()]
    target = archive.with_suffix(".bare")
    start = time.perf_counter()
    with target.open("wb") as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())
    took = time.perf_counter() - start
    target.unlink()
    return took
