"""An import: a million rows of a Mailchimp export with evidence, judged, sealed and loaded by the command itself.

performance.md asks for 20,000 rows a second and 300 MB in all processes together. The limit is a bare loop: rows of
the same five tables, made beforehand, into a SQLite file with the same indexes and flushes, in the same chunks.
``LISTKEEPER_TEST_DATABASES=postgresql`` measures there, durable as in life. Every run is counted in the database.

The profile beside the figure is in processor microseconds a row, which others on the machine disturb less: of the
runs themselves for each process, and of 50,000 rows in this process for each part.
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.importing.court import Claims
from listkeeper.cli import context
from listkeeper.settings import Settings
from tests.benchmarks import figure, import_parts
from tests.benchmarks.figure import CHECKOUT, Figure
from tests.fakes import databases, postgres
from tests.makers import cafe, exports

_CHUNK, _SOME = 10_000, 50_000
_NAMES = ("anna", "bjorn", "carl", "dorte", "erik", "freja", "gustav", "hanna", "ida", "jonas")
_STATED = (
    "--basis", "consent", "--origin", "https://cafe.example/news", "--method", "sign-up form with confirmation",
    "--text", "We write to you once a month about what we bake.", "--attest", "Everybody here used our own form.",
    "--no-opt-outs-file", "--last-letter", "2026-11-01", "--columns", "First Name", "--json",
)  # fmt: skip
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Import a file, in turns with the bare loop; the note says how much memory and processor time it took."""
    count = 1_000_000 if full else _SOME
    kinds = databases.chosen()
    kind = kinds[0] if len(kinds) == 1 else "sqlite"
    said: list[str] = []
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder:
        file = _export(Path(folder) / "subscribed.csv", count)
        found = figure.compare(
            name, "rows/s", lambda: _import(file, count, kind, said, spent), lambda: _bare(Path(folder), count),
            repeats=repeats, limit_is="bare inserts into the same five tables, one process, SQLite",
            note=f"{count} rows, {file.stat().st_size >> 20} MB, {kind}; ",
        )  # fmt: skip
        profile = spent | _parts(_export(Path(folder) / "some.csv", _SOME), kind)
    changed = {"note": found.note + "; ".join(said), "profile": profile}
    return Figure(**(found.as_dict() | changed))  # type: ignore[arg-type]


def _parts(file: Path, kind: str) -> dict[str, float]:
    stated = dict(zip(_STATED[:10:2], _STATED[1:10:2], strict=True))
    claims = Claims(
        basis="consent", origin=stated["--origin"], method=stated["--method"], text=stated["--text"],
        attestation=stated["--attest"], no_opt_outs=True, last_letter_on="2026-11-01", columns=("First Name",),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, _database(kind) as url:
        settings = settings_file.read(data=Path(folder), database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                cafe.found(session)
            found = import_parts.measure(file, claims)
    return {f"of {_SOME} rows, {part}": value for part, value in found.items()}


def _export(file: Path, count: int) -> Path:
    chance = random.Random(20261123)
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(exports.mailchimp_header("subscribed"))
        for number in range(count):
            name = chance.choice(_NAMES)
            address = f"{name}.{chance.randrange(10**6)}.{number}@{chance.choice(_NAMES)}{number % 700}.example"
            day, minute, second = number % 28 + 1, number // 60 % 60, number % 60
            asked = f"2024-03-{day:02} 10:{minute:02}:{second:02}"
            writer.writerow(
                [address, name.title(), "Holm", "2", asked, "192.0.2.7", asked.replace(" 10:", " 11:"), "192.0.2.8",
                 "55.67", "12.56", "1", "2", "Europe/Copenhagen", "dk", "84", "2024-04-01 10:10:10", number,
                 f"{number:x}", "", '"Editors","VIP"']
            )  # fmt: skip
    return file


def _import(file: Path, count: int, kind: str, said: list[str], spent: dict[str, float]) -> float:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, _database(kind) as url:
        settings = settings_file.read(data=Path(folder), database_url=url)
        with context.opened(settings, create=True), store.transaction() as session:
            cafe.found(session)
        words = [sys.executable, "-m", "listkeeper.cli.main", "import", str(file), "--list", "news", *_STATED]
        before, served, load = (
            resource.getrusage(resource.RUSAGE_CHILDREN),
            import_parts.server_seconds(),
            os.getloadavg(),
        )
        start = time.perf_counter()
        process = subprocess.Popen(words, cwd=CHECKOUT, env=_environment(settings), stdout=subprocess.PIPE, text=True)
        watch = _Memory(process.pid)
        answer, _ = process.communicate()
        lasted = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode or json.loads(answer)["counts"] != {"new": count}:
            raise SystemExit(f"the import ended with {process.returncode} and {answer}")
        served = import_parts.server_seconds() - served
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said.append(
        f"{lasted:.1f} s, {processor:.1f} s of processor in both processes, {served:.1f} s in the server, "
        f"peak {watch.peak()} MB in all, load of the machine before {load[0]:.1f} and after {os.getloadavg()[0]:.1f}"
    )
    for name, seconds in (("reader", watch.reader), ("writer", processor - watch.reader), ("server", served)):
        spent[f"of the last run, {name}"] = round(seconds / count * 1_000_000, 1)
    return count / lasted


class _Memory:
    """The most memory that a process and its children held at one time, and the processor time of the children."""

    def __init__(self, process: int) -> None:
        self._process, self._most, self.reader = process, 0, 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while (held := self._held()) is not None:
            self._most = max(self._most, held)
            time.sleep(0.1)

    def _held(self) -> int | None:
        try:
            listed = Path(f"/proc/{self._process}/task/{self._process}/children").read_text().split()
            own = _proportional(self._process)
            # The last look at the reader is a tenth of a second old at most.
            self.reader = max([self.reader, *map(_processor, listed)])
        except OSError:
            return None
        return own + sum(_proportional(int(child)) for child in listed) if own else None

    def peak(self) -> int:
        """Return the peak in megabytes, once the process has ended."""
        self._thread.join()
        return self._most >> 10


def _processor(process: str) -> float:
    told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def _proportional(process: int) -> int:
    """Return a process's memory in kB; pages that several share are shared out among them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _environment(settings: Settings) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    named = {"LISTKEEPER_DATA": str(settings.data_folder), "LISTKEEPER_LOG_LEVEL": "ERROR"}
    return kept | named | ({"LISTKEEPER_DATABASE_URL": settings.database_url} if settings.database_url else {})


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    if kind == "sqlite":
        yield None
        return
    server = postgres.of_run(os.getpid())
    # What tests do without, a figure must not: every commit reaches the disk.
    server.run(*(f"ALTER SYSTEM SET {name} = on" for name in _DURABLE), "SELECT pg_reload_conf()")
    name = server.empty()
    try:
        yield server.url(name)
    finally:
        server.drop(name)
        postgres.stop(os.getpid())


_BARE = """
CREATE TABLE subscriber (id INTEGER PRIMARY KEY, public_id TEXT UNIQUE, ref TEXT UNIQUE, send TEXT, key TEXT UNIQUE,
    hash TEXT, language TEXT, profile TEXT, made TEXT);
CREATE INDEX ix_hash ON subscriber (hash);
CREATE TABLE subject_key (ref TEXT PRIMARY KEY, wrapped BLOB);
CREATE TABLE evidence (id TEXT PRIMARY KEY, ref TEXT, sealed BLOB);
CREATE INDEX ix_evidence ON evidence (ref);
CREATE TABLE subscription (id INTEGER PRIMARY KEY, person INTEGER, list INTEGER, state TEXT, since TEXT);
CREATE UNIQUE INDEX ix_person ON subscription (person, list);
CREATE INDEX ix_state ON subscription (list, state, person);
CREATE TABLE import_row (batch INTEGER, row INTEGER, hash TEXT, ref TEXT, id TEXT, leaf BLOB, PRIMARY KEY (batch, row));
CREATE INDEX ix_row ON import_row (ref);
"""


def _bare(folder: Path, count: int) -> float:
    """Insert as many made rows, in the same chunks and with the same flushes."""
    file = folder / "bare.db"
    lasted = 0.0
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-24576;" + _BARE)
        for start in range(0, count, _CHUNK):
            rows = [_row(number) for number in range(start, min(start + _CHUNK, count))]
            begun = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for place, table in enumerate(("subscriber", "subject_key", "evidence", "subscription", "import_row")):
                marks = ", ".join("?" * len(rows[0][place]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", [row[place] for row in rows])  # noqa: S608 - names of our own tables
            connection.execute("COMMIT")
            lasted += time.perf_counter() - begun
    for left in folder.glob("bare.db*"):
        left.unlink()
    return count / lasted


def _row(number: int) -> tuple[tuple[object, ...], ...]:
    noise = random.Random(number).randbytes(32).hex()
    ref, name, address = f"{number // _CHUNK:012x}{noise[:20]}", f"sub_{noise[:20]}", f"{noise[:9]}@shop.example"
    moment = "2024-03-01 10:00:00.000000"
    return (
        (None, name, ref, address, f"{number}{address}", noise, "da", "{}", moment),
        (ref, b"k" * 60),
        (f"{number:032x}", ref, b"e" * 480),
        (None, number, 1, "confirmed", moment),
        (1, number, noise, ref, f"{number:032x}", b"l" * 32),
    )
