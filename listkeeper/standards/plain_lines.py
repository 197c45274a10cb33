"""Content that is said in SMTP as it stands: whole lines, none of which begins with a dot (RFC 5321 section 4.5.2)."""

from __future__ import annotations


class PlainLines(bytes):
    """Octets whose maker vouches for ``are_plain``, so that nobody looks through a whole message once more."""

    __slots__ = ()


def are_plain(octets: bytes) -> bool:
    """Return whether octets hold no line end but CRLF, and no dot where a line begins, nor at their own beginning.

    What is joined of such pieces is such a piece; those that end with CRLF, or are nothing, are whole lines.
    """
    line_ends = octets.count(b"\r\n")
    if octets.count(b"\n") != line_ends or octets.count(b"\r") != line_ends:
        return False
    return not octets.startswith(b".") and b"\n." not in octets
