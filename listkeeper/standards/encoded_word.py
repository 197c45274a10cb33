"""Words beyond ASCII in headers: encoded words (RFC 2047) and display names (RFC 5322 section 3.2.5).

What comes out is printable ASCII with single spaces, not folded; every space
in it is a place where a header may be folded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from listkeeper.foundation.errors import Invalid

# At most 64 characters a word, so that it fits a line of 76 beside the name of a header (RFC 2047 section 2).
_BYTES_A_WORD = 39
_LONGEST_WORD = 60
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
# Control characters but the tab, what e-mail libraries take for the end of a line, and what UTF-8 cannot write.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def unstructured(value: str) -> str:
    """Return the value of a header such as Subject; raises Invalid for a line break or a control character."""
    text = _one_line(value)
    return text if _as_it_is(text) else _encoded(text)


def phrase(value: str) -> str:
    """Return a display name: as it is, quoted, or encoded; raises Invalid as ``unstructured`` does."""
    text = _one_line(value)
    if not _as_it_is(text):
        return _encoded(text)
    if _ATOMS.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _one_line(value: str) -> str:
    if _UNPRINTABLE.search(value):
        raise Invalid("header_refused", "A mail header would hold a line break or a control character.")
    return " ".join(value.split())


def _as_it_is(text: str) -> bool:
    """Return whether readers will see what stands there: ASCII, foldable, with nothing that looks encoded."""
    return text.isascii() and "=?" not in text and all(len(word) <= _LONGEST_WORD for word in text.split(" "))


def _encoded(text: str) -> str:
    """Return base64 words, parted between words where possible and never inside a character.

    Spaces between encoded words are not shown (section 6.2), so those of the
    text stand inside. Some readers show them nevertheless in display names:
    there, two spaces are a smaller harm than a cut word.
    """
    chunks = [b""]
    for piece in _pieces(text):
        if len(chunks[-1]) + len(piece) > _BYTES_A_WORD:
            chunks.append(b"")
        chunks[-1] += piece
    return " ".join(f"=?utf-8?B?{base64.b64encode(chunk).decode('ascii')}?=" for chunk in chunks if chunk)


def _pieces(text: str) -> Iterator[bytes]:
    """Return the words with the space after each, and the characters of a word that is too long."""
    for word in re.findall(r"[^ ]+ ?| ", text):
        raw = word.encode()
        if len(raw) <= _BYTES_A_WORD:
            yield raw
        else:
            yield from (character.encode() for character in word)
