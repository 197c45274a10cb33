"""A log that nobody can rewrite unseen: each line is signed, and names the hash of the line before.

A line is a JSON object in its canonical form (RFC 8785), so that it has one
spelling only. ``before`` is the SHA-256 of the whole line before without its
line feed, empty in the first; ``signature`` is Ed25519 (RFC 8032) over the
object without it. A line that was changed, taken out, put in or moved breaks
one of the two. That lines are missing at the end shows nowhere in the log
itself: whoever must know keeps the number or the hash of the last line.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import canonical_json

LONGEST_LINE = 1_048_576
_VERSION = 1
_BEGINS = b'{"at":"'
_MOST_FAULTS = 100


@dataclass(frozen=True)
class End:
    """The last line there is: its number, its moment as text, and its hash. ``NOTHING`` is a log without one."""

    number: int
    at: str
    sha256: str


NOTHING = End(0, "", "")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line of the file; ``line`` counts from 1."""

    line: int
    code: str
    sentence: str


@dataclass(frozen=True)
class Checked:
    """What a log is worth: how many lines there are, where it begins and ends, and its faults, of many the first."""

    lines: int
    first: End
    last: End
    faults: tuple[Fault, ...]


def public_text(public: Ed25519PublicKey) -> str:
    """Return a public key as it is printed: its 32 bytes in base64."""
    return base64.b64encode(public.public_bytes_raw()).decode("ascii")


def public_key(text: str) -> Ed25519PublicKey:
    """Read what ``public_text`` printed. Raises Invalid."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
    except (ValueError, binascii.Error):
        raise Invalid(
            "public_key", language.text("This is no public key: a public key is 44 characters of base64.")
        ) from None


def signed(seen: Mapping[str, Any], after: End, at: datetime, key: Ed25519PrivateKey) -> tuple[bytes, End]:
    """Return the line that follows, with its line feed, and where the log ends then."""
    line = {**seen, "v": _VERSION, "number": after.number + 1, "at": clock.as_text(at), "before": after.sha256}
    signature = base64.b64encode(key.sign(canonical_json.dumps(line))).decode("ascii")
    whole = canonical_json.dumps(line | {"signature": signature})
    return whole + b"\n", End(line["number"], line["at"], hashlib.sha256(whole).hexdigest())


def may_begin(torn: bytes) -> bool:
    """Return whether these bytes may be the beginning of a line; in canonical form the moment stands first."""
    return torn.startswith(_BEGINS) or _BEGINS.startswith(torn)


def end_of(line: bytes, public: Ed25519PublicKey) -> End:
    """Return where a log ends by its last line, without its line feed. Raises Invalid when the key did not sign it."""
    read = _read(line)
    if read is None or not _is_signed(read, public):
        raise Invalid(
            "probe_log",
            language.text("The log was not written with this key. Name another file for the log, or the right key."),
        )
    return End(read["number"], read["at"], hashlib.sha256(line).hexdigest())


def verify(lines: Iterable[bytes], public: Ed25519PublicKey) -> Checked:
    """Check a log line by line; lines end in a line feed. Never raises for what stands in them."""
    first, before, count = NOTHING, NOTHING, 0
    faults: list[Fault] = []
    for count, raw in enumerate(lines, 1):
        line = raw.removesuffix(b"\n")
        read = _read(line)
        if len(faults) < _MOST_FAULTS:
            faults += _faults(count, read, before, public, whole=raw.endswith(b"\n"))
        before = End(
            read["number"] if read else before.number + 1,
            read["at"] if read else before.at,
            hashlib.sha256(line).hexdigest(),
        )
        first = before if count == 1 else first
    return Checked(count, first, before, tuple(faults[:_MOST_FAULTS]))


def _faults(
    place: int, read: dict[str, Any] | None, before: End, public: Ed25519PublicKey, *, whole: bool
) -> list[Fault]:
    if read is None or not whole:
        return [Fault(place, "unreadable", language.text("Line %(line)s is no line of such a log.", line=place))]
    found = []
    if not _is_signed(read, public):
        words = language.text("Line %(line)s was changed, or signed with another key.", line=place)
        found.append(Fault(place, "changed", words))
    if (read["before"], read["number"]) == (before.sha256, before.number + 1):
        return found
    if place == 1:
        words = language.text(
            "The log begins with line %(number)s: those before it are missing.", number=read["number"]
        )
    else:
        words = language.text(
            "Line %(line)s does not follow the one before it: lines were taken out, put in or moved.", line=place
        )
    return [*found, Fault(place, "order", words)]


def _read(line: bytes) -> dict[str, Any] | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        read = canonical_json.loads_strict(line)
    except ValueError:
        return None
    shape = {"v": int, "number": int, "at": str, "before": str, "signature": str}
    if not isinstance(read, dict) or any(type(read.get(name)) is not kind for name, kind in shape.items()):
        return None
    return read if read["v"] == _VERSION else None


def _is_signed(read: Mapping[str, Any], public: Ed25519PublicKey) -> bool:
    line = {name: value for name, value in read.items() if name != "signature"}
    try:
        public.verify(base64.b64decode(read["signature"], validate=True), canonical_json.dumps(line))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
