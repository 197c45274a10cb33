"""The two canonical forms of a message, header and body (RFC 6376 section 3.4): what a DKIM signature is made over.

Bytes in, bytes out; any bytes will do. Lines end in CRLF.
"""

from __future__ import annotations

import re

CRLF = b"\r\n"
_BETWEEN_FIELDS = re.compile(rb"\r\n(?![ \t])")


def fields(head: bytes) -> list[bytes]:
    """Return the header fields of a head as they stand there, each without its last CRLF."""
    return [field for field in _BETWEEN_FIELDS.split(head) if field]


def relaxed_field(field: bytes) -> bytes:
    """Return a header field in its relaxed form, CRLF included (section 3.4.2)."""
    name, _, value = field.partition(b":")
    unfolded = _single_spaces(value.replace(CRLF, b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + unfolded + CRLF


def simple_field(field: bytes) -> bytes:
    """Return a header field in its simple form, CRLF included (section 3.4.1)."""
    return field + CRLF


def relaxed_body(body: bytes) -> bytes:
    """Return a body in its relaxed form (section 3.4.4)."""
    return _one_end(squeezed(body).removesuffix(b" "), empty=b"")


def simple_body(body: bytes) -> bytes:
    """Return a body in its simple form (section 3.4.3)."""
    return _one_end(body, empty=CRLF)


def squeezed(lines: bytes) -> bytes:
    """Return lines as they stand in a relaxed body; it may be made in pieces, cut where there is no white space."""
    return _single_spaces(lines).replace(b" \r\n", CRLF)


def _single_spaces(text: bytes) -> bytes:
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _one_end(body: bytes, *, empty: bytes) -> bytes:
    """Return a body without the empty lines at its end, and with an end to its last line."""
    end = len(body)
    while body[end - 2 : end] == CRLF:
        end -= 2
    return body[:end] + CRLF if end else empty
