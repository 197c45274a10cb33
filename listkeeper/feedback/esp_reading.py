"""Reading what providers post: JSON in which anything may be missing, of another kind, or not ours to believe.

Nothing here raises. What comes out can be stored: no NUL, no half of a
surrogate pair, and no text longer than its place.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import cast

from listkeeper.foundation import log

# The deepest of them has 8 levels; what is deeper was written to be.
_DEEPEST = 32
_LONGEST_TEXT = 1000
_LONGEST_ADDRESS = 320
_LONGEST_ID = 100
_LONGEST_WORD = 64
# A second that has so many digits counts thousandths.
_IN_MILLISECONDS = 100_000_000_000
_YEARS = range(2000, 2200)
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)
_IN_BRACKETS = re.compile(r"<([^<>]*)>[^<>]*$")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)
# What stands before a code is no more than "smtp;" or "sent (".
_BASIC = re.compile(r"^[^0-9]{0,20}([245][0-9]{2})(?=[ -]|$)", re.ASCII)


def parsed(body: bytes) -> object:
    """Return the value that a body is the JSON of; None when it is none, or too deep."""
    try:
        value: object = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if _is_shallow(value) else None


def _is_shallow(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [held for one in level if isinstance(one, dict | list) for held in _held(one)]
        if not level:
            return True
    return False


def _held(value: dict[str, object] | list[object]) -> Iterator[object]:
    yield from value.values() if isinstance(value, dict) else value


def members(value: object) -> Mapping[str, object]:
    """Return an object's members; none when it is no object."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def each(value: object) -> list[object]:
    """Return what a list holds; one that is no list is the only one, and nothing is none."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def text(value: object, most: int = _LONGEST_TEXT) -> str:
    """Return a text or a number as a text that can be stored; "" for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    # A number beyond 4300 digits has no text, and was never read.
    written = value if isinstance(value, str) else str(value)
    return written[:most].encode("utf-8", "replace").decode().replace("\0", "").strip()


def word(*values: object) -> str:
    """Return their words for an event, one behind the other; an address in them is masked."""
    return log.mask(" ".join(part for value in values if (part := text(value))))[:_LONGEST_WORD].strip()


def address(value: object) -> str:
    """Return the mail address of ``Anna <anna@example.dk>`` or of one that stands alone."""
    written = text(value)
    found = _IN_BRACKETS.search(written)
    return (found[1] if found else written)[:_LONGEST_ADDRESS].strip()


def message_id(value: object) -> str:
    """Return a Message-ID without its angle brackets; "" when it is none."""
    found = text(value).strip("<> ")
    return found if "@" in found and " " not in found else ""


def header(headers: object, name: str) -> object:
    """Return the first header of this name in a list of ``{"name", "value"}``; None when there is none."""
    for one in each(headers):
        held = members(one)
        if text(held.get("name")).lower() == name:
            return held.get("value")
    return None


def moment(value: object) -> datetime | None:
    """Return the time that a number of seconds or thousandths, or an ISO 8601 text, means; in UTC when it says none."""
    written = text(value, 40)
    try:
        if _NUMBER.fullmatch(written):
            second = float(written)
            found = datetime.fromtimestamp(second / 1000 if second >= _IN_MILLISECONDS else second, UTC)
        else:
            found = datetime.fromisoformat(written)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year in _YEARS else None


def code(value: object, said: str = "") -> int | None:
    """Return an SMTP code that is given as one, or the one that a reply begins with."""
    found = _BASIC.match(text(value, 40)) or _BASIC.match(said)
    return int(found[1]) if found else None


def status(value: object, said: str = "") -> str:
    """Return an enhanced code that is given as one, or the first one in a reply; "" for none."""
    found = _ENHANCED.search(text(value, 40)) or _ENHANCED.search(said)
    return found[0] if found else ""


def raw(value: object) -> bytes:
    """Return a value as JSON again: what is kept of one event, without those that came with it."""
    return json.dumps(value, separators=(",", ":")).encode()


def identity(*parts: object) -> str:
    """Return what is the same for the same parts: SHA-256 over them, written one way."""
    written = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def event_id(value: object, *parts: object) -> str:
    """Return the provider's own name of an event, or what is made of its parts where it has none."""
    given = text(value, _LONGEST_ID + 1)
    return given if given and len(given) <= _LONGEST_ID else identity(given, *parts)
