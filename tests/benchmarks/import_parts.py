"""Where an import spends its time: processor microseconds a row, part by part, both halves in this process.

Beside others a wall clock says little, so this counts processor time alone. Of PostgreSQL it counts the server's too:
on two cores it, the writer and the reader share what there is.
"""

from __future__ import annotations

import marshal
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import mailing_list
from listkeeper.audience.importing import bulk, court, judging, reader, table_file, verdict
from listkeeper.audience.importing.court import Claims
from listkeeper.audience.importing.reader import Chunk, Task
from listkeeper.audience.importing.text_table import BadRow
from listkeeper.foundation import garbage
from listkeeper.standards import merkle
from tests.fakes import postgres

_MICROSECONDS = 1_000_000
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(file: Path, claims: Claims) -> dict[str, float]:
    """Load a file into the opened application's list and return the microseconds of each part for one row."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        on = mailing_list.named(session, owner, "news")
        made = court.bring(session, owner, on, file, operator="cli", claims=claims)
        plan = court.plan_of(made)
        begun = court.begin(session, made, plan)
        task, number, spoken = court.task_of(begun, plan, on, seals=True), begun.id, owner.language
    chunks, found = _read(task)
    with garbage.undisturbed():
        found |= _write(chunks, number, spoken)
    count = sum(map(len, chunks))
    return {part: round(seconds / count * _MICROSECONDS, 1) for part, seconds in found.items()}


def _read(task: Task) -> tuple[list[Chunk], dict[str, float]]:
    part = task.plan.parts[0]
    reading = _seconds(lambda: [None for _ in table_file.rows(part.part)])
    rows = [row[1] for _, row in table_file.rows(part.part) if not isinstance(row, BadRow)]
    judged = _seconds(lambda: [verdict.pronounce(part.reading, cells, task.told.stated).rejected for cells in rows])
    spent: dict[str, float] = defaultdict(float)
    with garbage.undisturbed(), _watched(spent, "reader: packing", reader, "_packed"):
        begun = time.process_time()
        chunks = list(reader.chunks(task))
        whole = time.process_time() - begun
    parts = {"reader: rows of the file": reading, "reader: verdicts": judged, **spent}
    return chunks, {"reader": whole, **parts, "reader: sealing and leaves": whole - sum(parts.values())}


def _write(chunks: list[Chunk], number: int, spoken: str) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    served = server_seconds()
    with ExitStack() as watched:
        for part, of, name in (
            ("writer: unpacking", marshal, "loads"),
            ("writer: who is known or suppressed", judging, "look"),
            ("writer: inserts", bulk, "add_columns"),
            ("writer: Merkle root", merkle, "root"),
            ("writer: commit", Session, "commit"),
        ):
            watched.enter_context(_watched(spent, part, of, name))
        begun = time.process_time()
        for chunk in chunks:
            court._written(store.transaction, number, spoken, chunk, looks=False)  # noqa: SLF001 - what is measured
        whole = time.process_time() - begun
    parts = {"writer": whole, **spent, "writer: the rest": whole - sum(spent.values())}
    return parts | ({"server": server_seconds() - served} if served else {})


@contextmanager
def _watched(spent: dict[str, float], part: str, of: Any, name: str) -> Iterator[None]:  # noqa: ANN401 - a module or a class
    function: Callable[..., Any] = getattr(of, name)

    def timed(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        begun = time.process_time()
        try:
            return function(*given, **named)
        finally:
            spent[part] += time.process_time() - begun

    with mock.patch.object(of, name, timed):
        yield


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def server_seconds() -> float:
    """Return the processor time of this run's PostgreSQL server until now; 0 when there is none."""
    note = postgres.folder_of_run(os.getpid()) / "cluster" / "postmaster.pid"
    if not note.exists():
        return 0.0
    main = note.read_text().split()[0]
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if process.name == main:
            # Its own, and that of its processes that have ended.
            ticks += sum(map(int, told[11:15]))
        elif told[1] == main:
            ticks += sum(map(int, told[11:13]))
    return ticks / _TICKS
