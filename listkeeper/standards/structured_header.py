"""Header values that are lists parted by semicolons, with comments and quoted strings in them (RFC 5322 section 3.2).

Comments in brackets may nest and may stand wherever a space may; inside a
quoted string a bracket or a semicolon is only a character. Of a value that is
longer than any server writes, the beginning is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LONGEST_VALUE = 65_536
_MOST_PARTS = 500

# The next character that means something; everything up to it is plain.
_PLAIN = re.compile(r'[^\s;()"]+')
_SPACE = re.compile(r"\s+")
_COMMENT_TEXT = re.compile(r"[^()\\]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """What stands between two semicolons: the text with single spaces and without comments, and the comments."""

    text: str
    comments: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """The parts of a value in their order, at least one; ``unclosed`` when a bracket or quotation mark never ends."""

    parts: tuple[Part, ...]
    unclosed: bool


def split(value: str) -> Parts:
    """Return the parts of a header value. Never raises; in time proportional to its length."""
    value = value[:_LONGEST_VALUE]
    reader, at = _Reader(value), 0
    while at < len(value) and len(reader.parts) <= _MOST_PARTS:
        at = reader.read(at)
    parts = [Part("".join(one.pieces).strip(), tuple(one.comments)) for one in reader.parts]
    return Parts(tuple(parts), reader.unclosed)


def unquoted(text: str) -> str:
    """Return what a quoted string stands for; any other text comes back as it is."""
    if len(text) > 1 and _QUOTED.fullmatch(text):
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text


@dataclass
class _Draft:
    """A part that is being read."""

    pieces: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    def end_word(self) -> None:
        """Put one space between what was read and what comes."""
        if self.pieces and self.pieces[-1] != " ":
            self.pieces.append(" ")


class _Reader:
    """Reads one piece of a value at a time."""

    def __init__(self, value: str) -> None:
        self._value = value
        self.parts = [_Draft()]
        self.unclosed = False

    def read(self, at: int) -> int:
        """Read the piece that begins at a place, and return where the next begins."""
        sign = self._value[at]
        if sign == ";":
            self.parts.append(_Draft())
            return at + 1
        if sign == "(":
            return self._comment(at)
        if sign == '"':
            return self._quoted(at)
        plain = _PLAIN.match(self._value, at)
        if plain:
            self.parts[-1].pieces.append(plain.group())
            return plain.end()
        space = _SPACE.match(self._value, at)
        self.parts[-1].end_word()
        # What is left is a bracket that closes nothing: it parts words as a space does.
        return space.end() if space else at + 1

    def _comment(self, start: int) -> int:
        at, depth = start, 0
        while at < len(self._value):
            sign = self._value[at]
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if depth == 0:
                break
            plain = _COMMENT_TEXT.match(self._value, at)
            at = plain.end() if plain else at + (2 if sign == "\\" else 1)
        self.unclosed |= depth > 0
        said = _ESCAPED.sub(r"\1", self._value[start + 1 : at])
        self.parts[-1].comments.append(" ".join(said.split()))
        self.parts[-1].end_word()
        return at + 1

    def _quoted(self, at: int) -> int:
        whole = _QUOTED.match(self._value, at)
        if whole is None:
            self.unclosed = True
            self.parts[-1].pieces.append(" ".join(self._value[at:].replace('"', " ").split()))
            return len(self._value)
        self.parts[-1].pieces.append(whole.group())
        return whole.end()
