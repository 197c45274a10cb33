"""Bodies in quoted-printable (RFC 2045 section 6.7), whole or in pieces that join to the same bytes.

A line is encoded without a look at any other, so whole lines may be encoded
each by itself. Inside a line only the column matters: where ``settled`` cuts,
the line is broken whatever follows, and a ``Tail`` knows its form for each
column it may begin in.
"""

from __future__ import annotations

import binascii

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_SOFT_BREAK = b"=\n"
# The bytes of a character in UTF-8, all but its first, by their two highest bits.
_CONTINUED, _CONTINUES = 0b1100_0000, 0b1000_0000


def encode(content: str) -> bytes:
    """Return a body with CRLF at the end of every line; raises Invalid for what UTF-8 cannot write."""
    try:
        raw = content.encode()
    except UnicodeEncodeError as error:
        sentence = language.text("The letter holds characters that cannot be written. Paste it as plain text.")
        raise Invalid("letter_unreadable", sentence) from error
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _encoded(raw)


def settled(start: str) -> tuple[bytes, str]:
    """Cut the start of one line at the last place where it is broken whatever follows.

    Returns what stands before that place, encoded, and the rest, which begins a line of its own.
    """
    raw = start.encode()
    # The encoder looks one character ahead, so the last one does not count, and another must follow it.
    encoded = binascii.b2a_qp(raw + b"x", istext=True)
    place = encoded.rfind(_SOFT_BREAK)
    while place >= 0:
        taken = len(binascii.a2b_qp(encoded[:place]))
        if taken < len(raw) - 1 and raw[taken] & _CONTINUED != _CONTINUES:
            return encoded[: place + len(_SOFT_BREAK)].replace(b"\n", b"\r\n"), raw[taken:].decode()
        place = encoded.rfind(_SOFT_BREAK, 0, place)
    return b"", start


class Tail(dict[int, bytes]):
    """The end of a line, encoded once for each column it was ever begun in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._raw = text.encode()

    def __missing__(self, column: int) -> bytes:
        """Encode the tail behind as many letters as stand before it."""
        made = self[column] = _encoded(b"x" * column + self._raw)[column:]
        return made


def _encoded(raw: bytes) -> bytes:
    return binascii.b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
