"""What a receiver noted about SPF: the header Received-SPF (RFC 7208 section 9.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from listkeeper.standards import structured_header

HEADER = "received-spf"
RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")

_RESULT = re.compile(r"[A-Za-z]+")
_PAIR = re.compile(r'(?<![A-Za-z0-9._-])([A-Za-z][A-Za-z0-9._-]*+) ?= ?((?:"(?:[^"\\]|\\.)*+"|[^\s"])*+)', re.DOTALL)


@dataclass(frozen=True)
class ReceivedSpf:
    """One header; ``result`` is in lower case and empty when it cannot be read.

    ``pairs`` are such as ``client-ip``, ``envelope-from``, ``helo`` and
    ``receiver``, their names in lower case, the first of each counting.
    """

    result: str
    comment: str
    pairs: dict[str, str]


def parse(value: str) -> ReceivedSpf:
    """Read the value of one header, folded or not. Never raises."""
    parts = structured_header.split(value).parts
    comment = "; ".join(said for part in parts for said in part.comments if said)
    said = _RESULT.match(parts[0].text)
    result = said.group().lower() if said else ""
    if said is None or result not in RESULTS:
        return ReceivedSpf("", comment, {})
    pairs: dict[str, str] = {}
    for text in (parts[0].text[said.end() :], *(part.text for part in parts[1:])):
        for name, found in _PAIR.findall(text):
            pairs.setdefault(name.lower(), structured_header.unquoted(found))
    return ReceivedSpf(result, comment, pairs)
