"""CSV for people and their spreadsheets: UTF-8 with a byte order mark, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from listkeeper.foundation import clock
from listkeeper.foundation.archive_values import canonical

_AT_ONCE = 2_000
# A spreadsheet takes a cell that begins so for a formula; the apostrophe makes it words again.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def pieces(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield the CSV of a sheet, some thousand rows at a time."""
    tray = io.StringIO()
    writer = csv.writer(tray, lineterminator="\r\n")
    tray.write("\ufeff")
    writer.writerow(header)
    for number, row in enumerate(rows, 1):
        writer.writerow([cell(value) for value in row])
        if number % _AT_ONCE == 0:
            yield tray.getvalue().encode()
            tray.seek(0)
            tray.truncate()
    yield tray.getvalue().encode()


def cell(value: Any) -> str:  # noqa: ANN401 - whatever a column holds
    """Return what stands in a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return clock.as_text(value)
        case Enum():
            return str(value.value)
        case dict() | list():
            return canonical(value) if value else ""
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(_FORMULA) else text
