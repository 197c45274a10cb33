"""Rows of an Excel workbook (XLSX): the first sheet that holds a table, as text, within limits.

A workbook is a ZIP of XML, so it may be a bomb: sizes are looked at before
anything is unpacked, and defusedxml refuses entities.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any, BinaryIO

from listkeeper.audience.importing.text_table import BadRow, Flaw, Row
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# A million rows of XML are about 400 MB; what unpacks to more, or to this many times its size, is no list.
LARGEST_UNPACKED = 1 << 30
LARGEST_RATIO = 200
MOST_PARTS = 2_000
# Excel keeps every distinct text in one part, which has to be in memory whole.
_LARGEST_TEXTS = 48 << 20
_TEXTS = "xl/sharedStrings.xml"


def demand_sane(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that is made to fill the machine. Raises Invalid."""
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > LARGEST_UNPACKED or unpacked > LARGEST_RATIO * max(packed, 1024):
        raise Invalid(
            "import_bomb", language.text("This archive unpacks to far more than a list of people. Nothing was read.")
        )
    if any(part.flag_bits & 1 for part in parts):
        raise Invalid("import_locked", language.text("This archive is locked with a password. Unlock it first."))


def rows(stream: BinaryIO) -> Iterator[Row | BadRow]:
    """Yield the rows of the first sheet that has any, headings first. Raises Invalid when it cannot be read."""
    # 15 MB that a table of text never needs.
    import openpyxl  # noqa: PLC0415
    from openpyxl.xml import DEFUSEDXML  # noqa: PLC0415

    if not DEFUSEDXML:  # pragma: no cover - the package is a dependency
        raise RuntimeError("openpyxl does not use defusedxml")
    _demand_readable(stream)
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            # The library warns about styles and extensions it leaves out; nothing of a list is in them.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
            try:
                yield from _first_table(book)
            finally:
                book.close()
    except Invalid:
        raise
    except Exception as problem:
        # Whatever the library stumbles over (it raises a dozen kinds), the file is not a workbook we can read.
        raise _unreadable() from problem


def _demand_readable(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            demand_sane(archive)
            texts = [part.file_size for part in archive.infolist() if part.filename == _TEXTS]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as problem:
        raise _unreadable() from problem
    if texts and texts[0] > _LARGEST_TEXTS:
        raise Invalid(
            "import_too_large_workbook",
            language.text("This workbook is too large to read safely. Save it as CSV and import that."),
        )


def _unreadable() -> Invalid:
    return Invalid("import_workbook", language.text("This workbook cannot be read. Save it as CSV and import that."))


def _first_table(book: Any) -> Iterator[Row | BadRow]:  # noqa: ANN401 - openpyxl ships no types for its read-only book
    for sheet in book.worksheets:
        # What a workbook says about its own size is often wrong.
        sheet.reset_dimensions()
        width, seen = 0, False
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            cells = [_as_text(value) for value in values]
            if not any(cells):
                continue
            seen = True
            if not width:
                width = len(cells) - next(index for index, cell in enumerate(reversed(cells)) if cell)
            if any(cells[width:]):
                yield BadRow(number, Flaw.CELLS)
                continue
            # The format leaves out empty cells at the end of a row.
            yield number, (cells + [""] * width)[:width]
        if seen:
            return


def _as_text(value: object) -> str:  # noqa: PLR0911 - one answer a kind of cell
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            # A cell that holds a day alone comes as midnight; a day alone proves no time, so it must not gain one.
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
