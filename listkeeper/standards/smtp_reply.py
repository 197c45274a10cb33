"""What a mail server answers: octets in, whole replies out (RFC 5321 section 4.2, RFC 2034, RFC 3463).

The server is not trusted. A line, a reply and the number of its lines are
bounded, what is no reply is said to be none, and no control character gets into
a reply's text, where a database or a terminal would have to cope with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# RFC 5321 section 4.5.3.1.5 allows 512 octets a line; some real servers write longer ones.
LINE_OCTETS = 4_096
# The longest honest reply is the list of abilities after EHLO.
REPLY_LINES = 128
REPLY_OCTETS = 32_768

_DIGITS = 3
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")


class NotAReply(ValueError):
    """What came is no reply of RFC 5321; the words say why and repeat nothing of it."""


@dataclass(frozen=True, slots=True)
class EnhancedCode:
    """An enhanced status code (RFC 3463 section 2): class, subject and detail."""

    kind: int
    subject: int
    detail: int

    def __str__(self) -> str:
        """Return it as it is written: ``5.1.1``."""
        return f"{self.kind}.{self.subject}.{self.detail}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: the basic code and its words, unmasked, lines parted by a line feed.

    The code is 0 where no server spoke and the words are ours.
    """

    code: int
    text: str

    @property
    def enhanced(self) -> EnhancedCode | None:
        """Return the enhanced code that the words begin with, unless its class contradicts the basic code."""
        found = _ENHANCED.match(self.text)
        if found is None or int(found[1]) != self.code // 100:
            return None
        return EnhancedCode(int(found[1]), int(found[2]), int(found[3]))


class Replies:
    """Takes octets as they come, in pieces of any size, and gives back whole replies."""

    __slots__ = ("_at", "_begun", "_length", "_octets")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0
        self._begun: list[Reply] = []
        self._length = 0

    @property
    def empty(self) -> bool:
        """Whether every octet so far was part of a reply that has been taken."""
        return self._at == len(self._octets) and not self._begun

    def feed(self, octets: bytes) -> None:
        """Add what came over the line."""
        self._octets = self._octets[self._at :] + octets if self._at < len(self._octets) else octets
        self._at = 0

    def take(self) -> Reply | None:
        """Return the next reply, None while it is not whole. Raises NotAReply; nothing can be read after that."""
        while (end := self._octets.find(b"\n", self._at)) >= 0:
            line = self._octets[self._at : end]
            self._at = end + 1
            reply, goes_on = _read(line)
            if not goes_on and not self._begun:
                return reply
            self._begun.append(reply)
            self._length += len(line)
            if not goes_on:
                return self._whole()
            if len(self._begun) > REPLY_LINES or self._length > REPLY_OCTETS:
                raise NotAReply("a reply is too long")
        if len(self._octets) - self._at > LINE_OCTETS:
            raise NotAReply("a line of a reply is too long")
        return None

    def _whole(self) -> Reply:
        lines, self._begun, self._length = self._begun, [], 0
        if any(line.code != lines[0].code for line in lines):
            raise NotAReply("the lines of a reply do not bear the same code")
        return Reply(lines[0].code, "\n".join(line.text for line in lines))


# A server says most of its replies in the same words each time.
@lru_cache(maxsize=64)
def _read(line: bytes) -> tuple[Reply, bool]:
    """Return what one line says, and whether another follows it."""
    # A line that ends without CR is taken as well: some servers are made so, and no harm comes of it.
    line = line.removesuffix(b"\r")
    digits, mark = line[:_DIGITS], line[_DIGITS : _DIGITS + 1]
    if len(digits) < _DIGITS or not digits.isdigit() or mark not in {b"", b" ", b"-"}:
        raise NotAReply("a line of a reply does not begin with a code")
    if len(line) > LINE_OCTETS:
        raise NotAReply("a line of a reply is too long")
    text = line[_DIGITS + 1 :].decode("utf-8", "replace")
    return Reply(int(digits), text if text.isprintable() else _printable(text)), mark == b"-"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)
