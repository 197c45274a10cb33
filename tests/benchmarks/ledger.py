"""The ledger: events written a second, one by one and in batches, and events checked a second.

Beside them stands a bare loop that hashes the same bytes and inserts them into a table, with the same flushes: what
this disk and this language allow. The bars: 500 a second singly and 5,000 in batches, each commit flushed to the disk;
100,000 events checked in 30 s, which is 3,333 a second. ``LISTKEEPER_TEST_DATABASES=postgresql`` measures there;
otherwise it is SQLite.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper.audience.proof import ledger, ledger_audit, proof_bundle
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import ids, keys
from listkeeper.standards import canonical_json, merkle
from listkeeper.standards import proof as verifier
from tests.benchmarks import figure
from tests.benchmarks.figure import Figure
from tests.fakes import databases, postgres
from tests.makers import cafe
from tests.makers.cafe import Cafe

_BATCH = 500


@contextmanager
def ready(kind: str) -> Iterator[Session]:
    """Lend a session on a fresh database of a kind, durable as in life, with the key folder open."""
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder:
        place = Path(folder)
        (place / "templates").mkdir()
        keys.open_folder(place / "keys")
        on_sqlite = databases.on_sqlite(place / "data", place / "templates")
        with on_sqlite if kind == "sqlite" else databases.on_postgresql(os.getpid()) as database:
            engine = database.engine().execution_options(listkeeper_writes=True)
            try:
                with Session(engine) as session:
                    yield session
            finally:
                engine.dispose()
                if kind != "sqlite":
                    postgres.stop(os.getpid())


def kind_wanted() -> str:
    """Return the kind of database to measure on."""
    chosen = databases.chosen()
    return chosen[0] if len(chosen) == 1 else "sqlite"


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Measure what the name says."""
    kind = kind_wanted()
    bars = {"ledger-single": "500 events/s", "ledger": "5,000 events/s", "ledger-verify": "100,000 events in 30 s"}
    count = {"ledger-single": 2_000, "ledger": 20_000, "ledger-verify": 20_000}[name] * (5 if full else 1)
    flushes = "flushed to the disk" if kind == "sqlite" else "on the tests' own server, which flushes nothing"
    notes = {
        "ledger-single": f"a commit each, {flushes}; no evidence",
        "ledger": f"{_BATCH} in a commit, {flushes}; no evidence",
        "ledger-verify": "listkeeper-verify on the bundle of the whole ledger, a process of its own",
    }
    with ready(kind) as session:
        made = cafe.found(session)
        session.commit()
        if name == "ledger-verify":
            append(session, made, count, _BATCH)
            own = f"; the check of the database itself: {_audited(session, made):,.0f} events/s"
            with tempfile.TemporaryDirectory() as folder:
                path = _bundle(session, made, Path(folder))
                return figure.compare(
                    name, "events/s", lambda: _verified(path, count), None, repeats=repeats,
                    limit_is=f"the bar is {bars[name]}", note=f"{count} events, {kind}, {notes[name]}{own}",
                )  # fmt: skip
        size = 1 if name == "ledger-single" else _BATCH
        limit_is = f"a bare loop on SQLite with the same flushes; the bar is {bars[name]}"
        return figure.compare(
            name, "events/s", lambda: append(session, made, count, size), lambda: _bare(count, size), repeats=repeats,
            limit_is=limit_is, note=f"{count} events, {kind}, {notes[name]}",
        )  # fmt: skip


def append(session: Session, made: Cafe, count: int, at_once: int) -> float:
    """Append events of as many subjects, ``at_once`` in a commit; return how many a second."""
    organisation_id, list_id = made.organisation.id, made.mailing_list.public_id
    events = [
        Event(
            EventType.WITHDRAWN, subject=ids.subject_reference(), list=list_id, purpose="newsletter", method="one_click"
        )
        for _ in range(count)
    ]
    session.commit()
    start = time.perf_counter()
    for first in range(0, count, at_once):
        ledger.append(session, organisation_id, events[first : first + at_once])
        session.commit()
    return count / (time.perf_counter() - start)


def _bare(count: int, at_once: int) -> float:
    """Hash and insert as many rows as bare SQL does; return how many a second."""
    body = {"method": "one_click", "purpose": "newsletter", "subject": "0" * 32, "prev": "", "padding": "x" * 300}
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, closing(_bare_table(Path(folder))) as connection:
        start, prev = time.perf_counter(), ""
        for first in range(0, count, at_once):
            rows = []
            for seq in range(first, min(first + at_once, count)):
                record = canonical_json.dumps({**body, "seq": seq, "prev": prev})
                prev = merkle.leaf_hash(record).hex()
                rows.append((seq, record.decode(), prev))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO bare VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        return count / (time.perf_counter() - start)


def _bare_table(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE bare (seq INTEGER PRIMARY KEY, record TEXT, hash TEXT)")
    return connection


def _audited(session: Session, made: Cafe) -> float:
    start = time.perf_counter()
    audit = ledger_audit.check(session, made.organisation)
    lasted = time.perf_counter() - start
    if audit.faults:
        raise RuntimeError(f"the ledger is not true: {audit.faults[:3]}")
    return audit.rows / lasted


def _bundle(session: Session, made: Cafe, folder: Path) -> Path:
    path = folder / "ledger.zip"
    with path.open("wb") as file:
        proof_bundle.ledger_bundle(session, made.organisation, file)
    session.commit()
    return path


def _verified(path: Path, count: int) -> float:
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, str(verifier.__file__), str(path)], capture_output=True, text=True, check=False
    )
    lasted = time.perf_counter() - start
    if ran.returncode:
        raise RuntimeError(f"the bundle is not true: {ran.stdout[-500:]}{ran.stderr[-500:]}")
    return count / lasted
