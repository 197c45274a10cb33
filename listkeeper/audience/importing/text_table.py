"""Rows of a text table (CSV, TSV): read in flat memory, and a bad row is a bad row, never the end of the file.

Python's ``csv`` reads at a million rows a second, but an unclosed quote makes
it swallow all that follows. So its lines are counted: what runs over too many
of them, or does not come out at the right number of cells, is listed with its
line and reason, and reading begins anew on the next line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

SEPARATORS = (",", ";", "\t", "|")
# Excel's own first line.
_TOLD = re.compile(r"sep=(.)", re.IGNORECASE)
_QUOTES = ('"', "'")
# A note of several lines is fine; a quote that is still open after this many was never meant to be one.
_LINES_OF_A_ROW = 60
_CHARACTERS_OF_A_LINE = 100_000
_SAMPLE_LINES = 60
# Lines that are read together while all is well.
_BLOCK_LINES = 200


class Flaw(StrEnum):
    """Why a row could not be read."""

    CELLS = "cells"
    QUOTE = "quote"
    NUL = "nul"
    LETTERS = "letters"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: the line it begins on, and why."""

    line: int
    flaw: Flaw


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a text table are parted."""

    separator: str
    quote: str = '"'
    # Lines before the headings: Excel's ``sep=;``.
    skipped: int = 0


Row = tuple[int, list[str]]


def sniff(sample: str) -> Dialect:
    """Return how a table is written, told by which separator cuts its first lines most evenly."""
    lines = sample.splitlines()[: _SAMPLE_LINES + 1]
    if lines and (told := _TOLD.fullmatch(lines[0])):
        return Dialect(told[1], skipped=1)
    quote = max(_QUOTES, key=lambda sign: sum(_quoted(line, sign) for line in lines))
    kept = "\n".join(lines)
    separator = max(SEPARATORS, key=lambda sign: _evenness(kept, sign, quote))
    return Dialect(separator, quote)


def _quoted(line: str, sign: str) -> int:
    return sum(line.count(f"{sign}{separator}") + line.count(f"{separator}{sign}") for separator in SEPARATORS)


def _evenness(sample: str, separator: str, quote: str) -> float:
    """Return how many cells the usual row has, weighted by how usual it is; 0 when nothing is cut."""
    try:
        rows = [row for row in csv.reader(io.StringIO(sample), delimiter=separator, quotechar=quote) if row]
    except csv.Error:
        return 0.0
    counts = Counter(len(row) for row in rows)
    usual, times = counts.most_common(1)[0] if counts else (1, 0)
    if usual == 1:
        # A heading alone may be cut, with no row below it.
        return 0.5 if len(rows) == 1 and separator in sample else 0.0
    return times / len(rows) * (1 + min(usual, 50) / 50)


class _Lines:
    """Lines of a stream for ``csv``, counted, and able to take some back."""

    def __init__(self, stream: TextIO, dialect: Dialect) -> None:
        self._stream = stream
        self._back: deque[str] = deque()
        self._limit = _LINES_OF_A_ROW
        self.taken: list[str] = []
        self.number = 0
        self.ended = False
        for _ in range(dialect.skipped):
            stream.readline()
            self.number += 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= self._limit:
            raise _Runaway
        line = self._back.popleft() if self._back else self._stream.readline(_CHARACTERS_OF_A_LINE)
        if not line:
            self.ended = True
            raise StopIteration
        self.taken.append(line)
        self.number += 1
        return line

    @property
    def waiting(self) -> bool:
        """Whether lines were taken back that have not been read again."""
        return bool(self._back)

    def block(self) -> list[str]:
        """Return the next lines, which count as read; a line too long for its row is the last of them."""
        found: list[str] = []
        while len(found) < _BLOCK_LINES and (line := self._stream.readline(_CHARACTERS_OF_A_LINE)):
            found.append(line)
            if len(line) >= _CHARACTERS_OF_A_LINE:
                break
        self.number += len(found)
        return found

    def take_back(self, block: list[str]) -> None:
        """Take a block back, to be read line by line."""
        self._back.extend(block)
        self.number -= len(block)

    def give_back(self) -> None:
        """Take all lines of the present row back but its first one."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        self.ended = False

    def skip_line(self) -> None:
        """Go on behind a line so long that only its beginning was read."""
        while (more := self._stream.readline(_CHARACTERS_OF_A_LINE)) and not more.endswith(("\n", "\r")):
            continue


class _Runaway(Exception):
    """The row takes more lines than a row does."""


def rows(stream: TextIO, dialect: Dialect, *, wide: bool = False) -> Iterator[Row | BadRow]:
    """Yield each row with the line it begins on, headings first; what cannot be read comes as a BadRow.

    ``stream`` keeps its line ends (newline="") and marks undecodable bytes as
    surrogates, or as U+FFFD when ``wide`` (UTF-16). Empty lines are left out.
    """
    lines, width = _Lines(stream, dialect), 0
    while block := lines.block():
        plain = _plain(block, dialect, width, wide=wide)
        if plain is None:
            lines.take_back(block)
            width = yield from _one_by_one(lines, dialect, width, wide=wide)
            continue
        width = len(plain[0])
        for line, cells in enumerate(plain, lines.number - len(block) + 1):
            if any(cells):
                yield line, cells


def _plain(block: list[str], dialect: Dialect, width: int, *, wide: bool) -> list[list[str]] | None:
    """Return the rows of a block in which each line is a whole row like the ones before; None when one is not."""
    text = "".join(block)
    if "\0" in text or len(block[-1]) >= _CHARACTERS_OF_A_LINE or not (text.isascii() or _is_whole(text, wide=wide)):
        return None
    try:
        found = list(csv.reader(block, delimiter=dialect.separator, quotechar=dialect.quote, strict=True))
    except csv.Error:
        return None
    # Each row takes a line at least: as many rows as lines are a row a line.
    even = len(found) == len(block) and {len(cells) for cells in found} == {width or len(found[0])}
    # The first row says how wide the table is, unless it is empty.
    return found if even and (width or any(found[0])) else None


def _one_by_one(lines: _Lines, dialect: Dialect, width: int, *, wide: bool) -> Generator[Row | BadRow, None, int]:
    """Yield the rows of the lines that were taken back, each looked at by itself; return the width of the table."""
    reader = csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote, strict=True)
    while lines.waiting:
        lines.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except (csv.Error, _Runaway):
            # An error at the very end is an unclosed quote too: all lines but the first get another chance.
            line = lines.number - len(lines.taken) + 1
            yield BadRow(line, _why(lines, wide=wide))
            lines.give_back()
            reader = csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote, strict=True)
            continue
        line = lines.number - len(lines.taken) + 1
        if not any(cells):
            continue
        flaw = _flaw(lines, cells, width, wide=wide)
        if flaw is None:
            width = width or len(cells)
            yield line, cells[:width]
            continue
        yield BadRow(line, flaw)
        if len(lines.taken) > 1:
            lines.give_back()
            reader = csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote, strict=True)
    return width


def _flaw(lines: _Lines, cells: list[str], width: int, *, wide: bool) -> Flaw | None:
    for line in lines.taken:
        if not line.isascii() and not _is_whole(line, wide=wide):
            return Flaw.LETTERS
        if "\0" in line:
            return Flaw.NUL
        if len(line) >= _CHARACTERS_OF_A_LINE and not line.endswith(("\n", "\r")):
            lines.skip_line()
            return Flaw.LONG
    found = len(cells)
    # Spreadsheets pad rows with empty cells; less than the headings promise is a row cut short.
    cut = width and found != width and (found < width or any(cells[width:]))
    return Flaw.CELLS if cut else None


def _is_whole(line: str, *, wide: bool) -> bool:
    if wide:
        return "\ufffd" not in line
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(lines: _Lines, *, wide: bool) -> Flaw:
    first = lines.taken[0] if lines.taken else ""
    if "\0" in first:
        return Flaw.NUL
    if not _is_whole(first, wide=wide):
        return Flaw.LETTERS
    if len(first) >= _CHARACTERS_OF_A_LINE and not first.endswith(("\n", "\r")):
        lines.taken[1:] = []
        lines.skip_line()
        return Flaw.LONG
    return Flaw.QUOTE
