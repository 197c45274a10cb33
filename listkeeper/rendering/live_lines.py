"""A text with places, cut into the lines that are the same for every reader and the lines that are not.

What is the same is laid out and encoded once. The lines that hold a place are
the live ones: they are put together for each reader, with a mark where lines
were taken out, and encoded in one go. The mark is a control character, which
no value of a reader may hold, and in quoted-printable it is found again: the
encoded text falls apart at it, and between the parts go the bytes made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from listkeeper.rendering import quoted_printable
from listkeeper.rendering.quoted_printable import Tail

MARK = "\x01"
ENCODED_MARK = b"=01\r\n"
MARKED_LINE = f"{MARK}\n"
# To cut costs about as much as to encode so many characters.
_WORTH_A_CUT = 80
_WORTH_A_TAIL = 120


class NotThisWay(Exception):
    """Raised when a letter must be made the slow way: there is something in it that the cut has not reckoned with."""


class Place:
    """Where readers differ."""

    def said(self, values: Mapping[str, Any]) -> str:
        """Return what stands here for the reader whose values these are."""
        raise NotImplementedError


Piece = str | Place


@dataclass(frozen=True)
class Fixed:
    """What stands at a mark: the end of the line that was begun before it, if there is one, and whole lines."""

    tail: Tail | None
    encoded: bytes


class LiveLines:
    """The live lines, with a mark for whatever stands between them, and what that is, in the same order."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.fixed: list[Fixed] = []
        self._tail: Tail | None = None
        self._known = b""

    def live(self, *pieces: Piece) -> None:
        """Go on with what is put together for each reader."""
        if any(pieces):
            self.end()
            self.pieces += pieces

    def same(self, lines: str) -> None:
        """Go on with whole lines that are the same for all."""
        if self._tail is not None or self._known or len(lines) >= _WORTH_A_CUT:
            self.known(quoted_printable.encode(lines))
        else:
            self.live(lines)

    def known(self, encoded: bytes) -> None:
        """Go on with what was encoded already and ends at the end of a line."""
        self._known += encoded

    def ends_in(self, text: str) -> None:
        """Go on with the end of a line that is live up to here."""
        self._tail = Tail(text)

    def end(self) -> None:
        """Leave a mark for what was taken out last."""
        if self._tail is not None or self._known:
            self.pieces.append(MARKED_LINE)
            self.fixed.append(Fixed(self._tail, self._known))
            self._tail, self._known = None, b""


def of_html(pieces: Iterable[Piece]) -> LiveLines:
    """Cut a text whose lines stay as they are. Long lines are cut before and behind their places too."""
    made = LiveLines()
    for is_live, lines in groupby(_lines(pieces), _is_live):
        if is_live:
            for line in lines:
                _live_line(made, line)
        else:
            made.same("".join(str(line[0]) for line in lines))
    made.end()
    return made


def of_text(pieces: Iterable[Piece], tidy: Callable[[str], str]) -> LiveLines:
    """Cut a text that is tidied when its places are filled: empty lines are thinned out, and none is left at the ends.

    So only lines are taken out that begin and end with a letter: from outside
    they look to ``tidy`` as their mark does. Empty lines beside a live one stay.
    """
    made = LiveLines()
    for is_live, lines in groupby(_lines(pieces), _is_live):
        if is_live:
            for line in lines:
                made.live(*line)
            continue
        texts = [str(line[0]) for line in lines]
        firm = [place for place, text in enumerate(texts) if _is_firm(text)] or [len(texts), len(texts)]
        first, last = firm[0], firm[-1] + 1
        run = tidy("".join(texts[first:last]))
        made.live("".join(texts[:first]))
        made.same(run if run.endswith("\n") or not run else f"{run}\n")
        made.live("".join(texts[last:]))
    made.end()
    return made


def _lines(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Return the pieces of each line, neighbouring texts joined; where a place breaks the line is not known yet."""
    line: list[Piece] = []
    for is_text, group in groupby(pieces, lambda piece: isinstance(piece, str)):
        if not is_text:
            line += group
            continue
        *whole, rest = "".join(str(piece) for piece in group).split("\n")
        for text in whole:
            yield [*line, f"{text}\n"]
            line = []
        line += [rest] if rest else []
    if line:
        yield line


def _live_line(made: LiveLines, line: Sequence[Piece]) -> None:
    """Leave of a line what its places may change: it begins after a break that stands whatever follows."""
    start = line[0] if isinstance(line[0], str) and "\r" not in line[0] else ""
    settled, rest = quoted_printable.settled(start)
    if len(settled) >= _WORTH_A_CUT:
        made.known(settled)
        line = [rest, *line[1:]]
    end = line[-1] if isinstance(line[-1], str) and "\r" not in line[-1] else ""
    # White space may run on from a place, and then counts as one with it for a signature.
    tail = end.lstrip(" \t")
    if len(tail) >= _WORTH_A_TAIL:
        made.live(*line[:-1], end.removesuffix(tail))
        made.ends_in(tail)
    else:
        made.live(*line)


def _is_live(line: Sequence[Piece]) -> bool:
    return any(isinstance(piece, Place) for piece in line)


def _is_firm(line: str) -> bool:
    return not line[0].isspace() and not line.removesuffix("\n")[-1].isspace()


class Skeleton:
    """Live lines that are filled by joining: texts and places in turn, beginning and ending with a text."""

    def __init__(self, pieces: Iterable[Piece], places: Sequence[Place]) -> None:
        numbers = {place: number for number, place in enumerate(places)}
        self._parts = [""]
        spots = []
        for piece in pieces:
            if isinstance(piece, str):
                self._parts[-1] += piece
            else:
                spots.append(numbers[piece])
                self._parts += ["", ""]
        # Two empty places at the end, so that there are always several to pick.
        self._parts += [""] * 4
        self._pick = itemgetter(*spots, -1, -1)

    def fill(self, said: Sequence[str]) -> str:
        """Return the lines with what is said at each place; the last of what is said is nothing."""
        parts = self._parts.copy()
        parts[1::2] = self._pick(said)
        return "".join(parts)
