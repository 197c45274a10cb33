"""A file that somebody uploads: which tables are in it, in which letters, and its rows one by one.

CSV and TSV in any usual encoding, XLSX, and ZIP with several tables (Mailchimp
exports three). What is no table is refused in one sentence. A row is named by
its part of the file and its number there, so that reading can go on after it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from listkeeper.audience.importing import spreadsheet, text_encoding, text_table
from listkeeper.audience.importing.text_table import BadRow, Dialect, Row
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_MOST_COLUMNS = 500
_MOST_TABLES = 20
_TABLE_NAMES = (".csv", ".tsv", ".txt", ".tab")
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
_WORKBOOK_MARK = "xl/workbook.xml"
# How files begin that people upload by mistake.
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!")


@dataclass(frozen=True)
class TablePart:
    """One table of a file: where it lies, how it is written, its headings (empty: it has none)."""

    file: Path
    # The name inside a ZIP; empty when the file is the table itself.
    inside: str
    kind: str
    encoding: str
    dialect: Dialect
    header: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.inside.rpartition("/")[2] or self.file.name


def sha256(file: Path) -> str:
    """Return the hash that names a file for ever (64 hex digits)."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parts(file: Path) -> list[TablePart]:
    """Return the tables of a file. Raises Invalid, in one sentence, when it is no table."""
    with file.open("rb") as stream:
        start = stream.read(4096)
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Invalid("import_empty", language.text("This file is empty."))
    if start.startswith(b"PK"):
        return _in_archive(file)
    _refuse_foreign(start)
    return [_text_part(file, "")]


def _refuse_foreign(start: bytes) -> None:
    """Refuse what is plainly something else, by how it begins."""
    head = start.lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    if start.startswith(b"%PDF"):
        raise _no_table(language.text("This is a PDF, not a table. Export the list as CSV or Excel and import that."))
    if start.startswith(_PICTURES):
        raise _no_table(language.text("This is a picture, not a table. Export the list as CSV or Excel."))
    if start.startswith(_OLD_OFFICE):
        raise _no_table(language.text("This is an old Excel file. Open it, save it as CSV or XLSX and import that."))
    if start.startswith(_PACKED):
        raise _no_table(language.text("This file is packed. Unpack it first, then import the table inside."))
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        raise _no_table(language.text("This is a web page, not a table. Export the list as CSV or Excel."))
    if head.startswith((b"{", b"[")):
        raise _no_table(language.text("This is JSON, not a table. Export the list as CSV or Excel."))


def _no_table(sentence: str) -> Invalid:
    return Invalid("import_no_table", sentence)


def _binary() -> Invalid:
    return _no_table(language.text("This file is no table that we can read. Export the list as CSV or Excel."))


def _in_archive(file: Path) -> list[TablePart]:
    try:
        with zipfile.ZipFile(file) as archive:
            spreadsheet.demand_sane(archive)
            names = [part.filename for part in archive.infolist() if not part.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as problem:
        raise Invalid("import_archive", language.text("This archive is damaged and cannot be opened.")) from problem
    if _WORKBOOK_MARK in names:
        return [_workbook_part(file)]
    tables = [name for name in names if name.lower().endswith(_TABLE_NAMES) and not _is_hidden(name)]
    if not tables:
        raise _no_table(language.text("There is no table in this archive. Put the CSV files into it, or import one."))
    if len(tables) > _MOST_TABLES:
        raise _no_table(language.text("There are too many tables in this archive. Import them one by one."))
    return [found for name in sorted(tables) if (found := _maybe_text_part(file, name)) is not None] or _none_inside()


def _none_inside() -> list[TablePart]:
    raise _no_table(language.text("There is no table in this archive. Put the CSV files into it, or import one."))


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _maybe_text_part(file: Path, inside: str) -> TablePart | None:
    """Return a table of an archive; an empty one (nobody unsubscribed) is none."""
    with _bytes(file, inside) as stream:
        if not stream.read(4096).strip():
            return None
    return _text_part(file, inside)


def _text_part(file: Path, inside: str) -> TablePart:
    with _bytes(file, inside) as stream:
        encoding = text_encoding.sniff(stream)
    try:
        with _bytes(file, inside) as stream, _as_text(stream, encoding) as text:
            sample = text.read(_SAMPLE)
    except UnicodeError as problem:
        raise _binary() from problem
    odd = sum(ord(char) in _CONTROLS for char in sample)
    # A NUL or two is a damaged row; a file full of them is no text.
    if odd * 50 > len(sample):
        raise _binary()
    dialect = text_table.sniff(sample)
    return _with_header(TablePart(file, inside, "text", encoding, dialect, ()))


def _workbook_part(file: Path) -> TablePart:
    return _with_header(TablePart(file, "", "workbook", "", Dialect(","), ()))


def _with_header(part: TablePart) -> TablePart:
    first = next((row for row in _all_rows(part) if not isinstance(row, BadRow)), None)
    if first is None:
        raise _no_table(language.text("There are no rows in this file that we can read."))
    cells = first[1]
    if len(cells) > _MOST_COLUMNS:
        raise _binary()
    # Who has no headings has an address in the first line.
    header = () if any("@" in cell for cell in cells) else tuple(cell.strip() for cell in cells)
    return TablePart(part.file, part.inside, part.kind, part.encoding, part.dialect, header)


def rows(part: TablePart, *, after: int = 0) -> Iterator[tuple[int, Row | BadRow]]:
    """Yield (number, row) of a table's rows below its headings, from 1 on; ``after`` leaves out the first ones.

    Numbers are the same at every reading, so that the last one written down is
    where reading goes on.
    """
    found = _all_rows(part)
    if part.header:
        found = _below_header(found)
    return islice(enumerate(found, 1), after, None)


def estimate(part: TablePart) -> int | None:
    """Return about how many rows a table has, counted in line ends; None when only reading it would tell."""
    if part.kind == "workbook":
        return None
    with _bytes(part.file, part.inside) as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK), b""))


def _below_header(found: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
    seen = False
    for row in found:
        if not seen and not isinstance(row, BadRow):
            seen = True
            continue
        yield row


def _all_rows(part: TablePart) -> Iterator[Row | BadRow]:
    with _bytes(part.file, part.inside) as stream:
        if part.kind == "workbook":
            yield from spreadsheet.rows(stream)
            return
        with _as_text(stream, part.encoding) as text:
            yield from text_table.rows(text, part.dialect, wide=part.encoding.startswith("utf-16"))


@contextmanager
def _bytes(file: Path, inside: str) -> Iterator[BinaryIO]:
    if not inside:
        with file.open("rb", buffering=_BLOCK) as stream:
            yield stream
        return
    try:
        with zipfile.ZipFile(file) as archive, archive.open(inside) as packed:
            yield cast("BinaryIO", packed)
    except (zipfile.BadZipFile, EOFError) as problem:
        raise Invalid("import_archive", language.text("This archive is damaged and cannot be opened.")) from problem


def _as_text(stream: BinaryIO, encoding: str) -> io.TextIOWrapper:
    # Undecodable bytes become marks that the reader of rows finds; UTF-16 knows no surrogate escapes.
    wide = encoding.startswith("utf-16")
    return io.TextIOWrapper(stream, encoding=encoding, errors="replace" if wide else "surrogateescape", newline="")
