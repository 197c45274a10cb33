"""One step of a mail's way, as the server that took it wrote it down: the header Received (RFC 5321 section 4.4).

Servers fill its parts in their own ways: the address a mail came from stands
in brackets in a comment, in a comment by itself, or in the place of the name.
The name after ``from`` is whatever the other side called itself, so an address
in a comment of the receiver's own wins over one that stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

HEADER = "received"
_LONGEST = 4_096
_DEEPEST = 4

_COMMENT = re.compile(r"\([^()]*\)")
_BY = re.compile(r"(?:^|\s)by\s+([^\s;]+)", re.IGNORECASE)
_WITH = re.compile(r"\swith\s+([^\s;]+)", re.IGNORECASE)
_FROM = re.compile(r"\s*from\s+(\S+)", re.IGNORECASE)
# What the other side said of itself, which some servers repeat in a comment.
_GREETED = re.compile(r"\(\s*(?:helo|ehlo)\b[^()]*\)", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]+)(?:%[^\]]*)?\]", re.IGNORECASE)
_ALONE = re.compile(r"(?<![\w.:-])([0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]+)(?![\w.:-])")
# The transmission types that say "over TLS" (RFC 3848, RFC 6531 section 4.3).
_SECURE = re.compile(r"(?:UTF8)?(?:E?SMTP|LMTP)SA?", re.IGNORECASE)
_TLS = re.compile(r"\b(?:TLS|SSL)(?:v?[0-9]|_|\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Hop:
    """One step. ``ip`` is where it came from, ``by`` who took it; both are empty when they are not said.

    ``name`` is what the other side called itself. ``encrypted`` is True when
    the server says so; False says nothing, because many do not tell.
    """

    name: str
    ip: str
    by: str
    protocol: str
    encrypted: bool


def parse(value: str) -> Hop:
    """Read the value of one header, folded or not. Never raises."""
    value = " ".join(value[:_LONGEST].split())
    bare = _without_comments(value)
    by = _BY.search(bare)
    came, took = (value[: by.start()], value[by.start() :]) if by else (value, "")
    name = _FROM.match(bare)
    transmitted = _WITH.search(bare, by.end() if by else 0)
    protocol = transmitted.group(1) if transmitted else ""
    return Hop(
        name.group(1) if name else "",
        _address(came),
        by.group(1).rstrip(".") if by else "",
        protocol,
        bool(_SECURE.fullmatch(protocol) and protocol.upper().rstrip("A").endswith("S")) or bool(_TLS.search(took)),
    )


def _without_comments(value: str) -> str:
    """Blank out what stands in brackets, which may nest; every other character keeps its place."""
    for _ in range(_DEEPEST):
        shorter = _COMMENT.sub(lambda found: " " * len(found.group()), value)
        if shorter == value:
            break
        value = shorter
    return value


def _address(came: str) -> str:
    own = _GREETED.sub(" ", came)
    comments = " ".join(_COMMENT.findall(own))
    for text in (comments, own):
        for written in (*_IN_BRACKETS.findall(text), *_ALONE.findall(text)):
            try:
                return str(ip_address(written))
            except ValueError:
                continue
    return ""
