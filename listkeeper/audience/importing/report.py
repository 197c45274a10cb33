"""The verdicts of a file as a CSV, one line a row of the file, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listkeeper.audience.importing import reasons
from listkeeper.audience.importing.court import Keep
from listkeeper.audience.importing.judging import Decision

HEADINGS = ("file", "line", "address", "outcome", "reason", "explanation", "remarks")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def written(file: Path) -> Iterator[Keep]:
    """Write a report, readable by its owner alone; yields what takes the decisions of a chunk."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADINGS)

        def keep(name: str, decisions: list[Decision]) -> None:
            writer.writerows([safe(name), *_line(decision)] for decision in decisions)

        yield keep


def _line(decision: Decision) -> list[str]:
    row = decision.row
    return [
        str(row.line),
        safe(row.shown),
        decision.outcome.value,
        decision.reason,
        reasons.sentence(decision.reason) if decision.reason else "",
        row.remarks,
    ]


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; ``verdict.undone`` takes the sign away again."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
