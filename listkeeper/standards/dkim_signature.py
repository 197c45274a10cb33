"""A DKIM-Signature field as it stands in a message: read, or refused in words (RFC 6376 section 3.5, 8301, 8463)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from listkeeper.foundation import language
from listkeeper.standards import dkim_canonical, dkim_key_record, dkim_tags

_NEEDED = ("v", "a", "b", "bh", "d", "h", "s")
_ALGORITHMS = frozenset({"rsa-sha256", "ed25519-sha256"})
_FORMS = frozenset({"simple", "relaxed"})
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9-]{2,63}")
_FIELD_NAME = re.compile(r"[!-9<-~]+")
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHA256_BYTES = 32
_LONGEST_FIELD = 20_000
_MOST_NAMES = 500
# Up to the next semicolon all is the value, white space around it too; "bh=" is another tag.
_VALUE_OF_B = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


@dataclass(frozen=True)
class Signature:
    """What a signature says. ``names`` are the header fields it covers, in small letters and in its order.

    ``length`` is how many octets of the body it covers, None when it covers
    all; ``identity_domain`` is that of i=; ``expires`` is None when it does not.
    """

    domain: str
    selector: str
    algorithm: str
    header_form: str
    body_form: str
    names: tuple[str, ...]
    length: int | None
    body_hash: bytes
    signature: bytes
    identity_domain: str
    expires: datetime | None


@dataclass(frozen=True)
class BadSignature:
    """A field that no receiver can use; ``reason`` says why in words, the rest is what could be read."""

    reason: str
    domain: str = ""
    selector: str = ""
    algorithm: str = ""


class _Wrong(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(field: bytes) -> Signature | BadSignature:
    """Read a whole field, its name included. Never raises, whatever it holds."""
    if len(field) > _LONGEST_FIELD:
        return BadSignature(language.text("the signature is longer than any that is looked at"))
    value = field.partition(b":")[2].replace(dkim_canonical.CRLF, b"")
    tags = dkim_tags.parse(value.decode("latin-1"))
    if isinstance(tags, str):
        return BadSignature(tags)
    try:
        return _read(tags)
    except _Wrong as wrong:
        return BadSignature(wrong.reason, tags.get("d", ""), tags.get("s", ""), tags.get("a", ""))


def without_value(field: bytes) -> bytes:
    """Return a field as it was when it was signed: with nothing behind ``b=`` (section 3.7)."""
    name, colon, value = field.partition(b":")
    return name + colon + _VALUE_OF_B.sub(rb"\1", value, count=1)


def _read(tags: Mapping[str, str]) -> Signature:
    for tag in _NEEDED:
        if tag not in tags:
            raise _Wrong(language.text("the signature lacks the tag %(tag)s=", tag=tag))
    if tags["v"] != "1":
        raise _wrong(tags, "v")
    _demand_algorithm(tags["a"])
    if not _DOMAIN.fullmatch(tags["d"]):
        raise _wrong(tags, "d")
    if not dkim_key_record.is_selector(tags["s"].replace("_", "x")):
        raise _wrong(tags, "s")
    if "q" in tags and "dns/txt" not in {method.strip() for method in tags["q"].split(":")}:
        raise _wrong(tags, "q")
    header_form, body_form = _forms(tags)
    length, expires = _number(tags, "l"), _number(tags, "x")
    signed_at = _number(tags, "t")
    if expires is not None and signed_at is not None and expires < signed_at:
        raise _wrong(tags, "x")
    body_hash = _bytes(tags, "bh")
    if len(body_hash) != _SHA256_BYTES:
        raise _wrong(tags, "bh")
    return Signature(
        domain=tags["d"].lower(),
        selector=tags["s"].lower(),
        algorithm=tags["a"],
        header_form=header_form,
        body_form=body_form,
        names=_names(tags),
        length=length,
        body_hash=body_hash,
        signature=_bytes(tags, "b"),
        identity_domain=_identity_domain(tags),
        expires=_moment(tags, expires),
    )


def _wrong(tags: Mapping[str, str], tag: str) -> _Wrong:
    value = tags.get(tag, "")[:40]
    return _Wrong(language.text("%(tag)s=%(value)s is nothing a receiver can use", tag=tag, value=value))


def _demand_algorithm(named: str) -> None:
    if named == "rsa-sha1":
        raise _Wrong(language.text("it was made with rsa-sha1, which proves nothing any more (RFC 8301)"))
    if named not in _ALGORITHMS:
        raise _Wrong(language.text("%(value)s is no algorithm that receivers know", value=named[:40]))


def _forms(tags: Mapping[str, str]) -> tuple[str, str]:
    header_form, _, body_form = tags.get("c", "simple/simple").partition("/")
    body_form = body_form or "simple"
    if not {header_form, body_form} <= _FORMS:
        raise _wrong(tags, "c")
    return header_form, body_form


def _number(tags: Mapping[str, str], tag: str) -> int | None:
    if tag not in tags:
        return None
    if not _NUMBER.fullmatch(tags[tag]):
        raise _wrong(tags, tag)
    return int(tags[tag])


def _moment(tags: Mapping[str, str], seconds: int | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise _wrong(tags, "x") from None


def _bytes(tags: Mapping[str, str], tag: str) -> bytes:
    try:
        found = base64.b64decode("".join(tags[tag].split()), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise _wrong(tags, tag)
    return found


def _names(tags: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in tags["h"].split(":"))
    if len(names) > _MOST_NAMES or not all(map(_FIELD_NAME.fullmatch, names)):
        raise _wrong(tags, "h")
    if "from" not in names:
        raise _Wrong(language.text("it does not cover From, so it says nothing of who wrote"))
    return names


def _identity_domain(tags: Mapping[str, str]) -> str:
    """Return the domain of i=, which is that of d= or below it."""
    domain = tags["d"].lower()
    identity = tags.get("i", f"@{domain}").rpartition("@")[2].lower()
    if "@" not in tags.get("i", "@") or (identity != domain and not identity.endswith(f".{domain}")):
        raise _wrong(tags, "i")
    return identity
