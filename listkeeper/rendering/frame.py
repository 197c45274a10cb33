"""Frames: fixed text with slots, filled by joining strings.

What is the same for every reader is laid out once. The places that differ are
marked with words drawn anew each time, so nothing an owner or a reader writes
can be taken for a slot, and Liquid in the letter cannot reach outside its own
place: the footer is locked by that.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_WORD = re.compile(r"LK[0-9a-f]{20}")


class Slots:
    """The words that mark slots during one compile."""

    def __init__(self, names: Iterable[str]) -> None:
        drawn = secrets.token_hex(8)
        self.words = {name: f"LK{drawn}{position:04x}" for position, name in enumerate(names)}

    def cut(self, text: str) -> Frame:
        """Cut a text at its slots."""
        names = {word: name for name, word in self.words.items()}
        pieces, start = list[str](), 0
        for found in _WORD.finditer(text):
            if found[0] in names:
                pieces += (text[start : found.start()], names[found[0]])
                start = found.end()
        return Frame((*pieces, text[start:]))


@dataclass(frozen=True, slots=True)
class Frame:
    """Fixed text and the names of slots, alternating; the first and the last piece are text."""

    pieces: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The slots of this frame."""
        return frozenset(self.pieces[1::2])

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with a value in each slot."""
        return "".join([values[piece] if place % 2 else piece for place, piece in enumerate(self.pieces)])


def between(text: str, start: str, end: str) -> tuple[str, str, str]:
    """Return what stands before, between and after two marks, each of which occurs once."""
    before, found, rest = text.partition(start)
    inside, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError("a mark was lost on the way")
    return before, inside, after
