"""Ways to send, as they are written in the settings: one address each, because one line then says it all.

What is wrong is said of all at once, and nothing of what is secret with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import idna

from listkeeper.foundation import written_list
from listkeeper.sending.handing_over.way import LOOPBACK, SMTP_SCHEMES, Way

NAME_LIMIT = 40
_MOST_WEIGHT = 1000
_MOST_WAYS = 20
_MOST_LINES = 8
# Passwords and keys that stand in manuals, this one's included: who starts with one has forgotten the real one.
SAMPLES = frozenset({"password", "changeme", "change-me", "change_me", "your-password", "yourpassword"})
_SAMPLE_KEYS = SAMPLES | {"key", "secret", "token", "your-key", "your-secret", "your-token"}
_NAME = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,39}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-[0-9]{1,2}")
_OPTION = re.compile(r"[a-z_]{1,20}")
# Ways are parted by spaces: a comma between two makes one strange host of them.
_NOT_IN_HOSTS = frozenset(',;@<>"')
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
# What stands before an @ in an address of a provider. Its secrets may hold slashes, so that no URL library will do.
_PROVIDER = re.compile(
    r"(?P<scheme>ses|postmark|mailgun)://(?P<before>[^?\s]*@)?(?P<place>[^?@\s]*)(?:\?(?P<asked>\S*))?"
)
_OPTIONS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(SMTP_SCHEMES, frozenset({"chunking", "lines"})),
    "ses": frozenset({"configuration_set", "session_token", "endpoint"}),
    "postmark": frozenset({"stream", "endpoint"}),
    "mailgun": frozenset({"endpoint"}),
}
_FOR_ALL = frozenset({"weight", "domains", "name"})


def known(value: str | None) -> str | None:
    """Return the address of one mail server; ValueError, without what is secret, when it is none."""
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in SMTP_SCHEMES or not parts.hostname:
        raise ValueError("is not a mail server address (smtp://host:587, smtp+starttls://… or smtps://…)")
    read(value)
    return value


def read_all(text: str) -> tuple[Way, ...]:
    """Read ways that are written one after another, parted by spaces. Raises ValueError that names every mistake."""
    written = filter(None, (part.strip(",") for part in text.split()))
    found = written_list.read(written, read, one="way", several="ways", most=_MOST_WAYS)
    if not found:
        raise ValueError("names no way")
    return found


def read(written: str) -> Way:
    """Read one way. Raises ValueError that says what is wrong, and nothing of what is secret."""
    scheme = written.partition("://")[0].lower()
    if scheme in SMTP_SCHEMES:
        way, asked = _smtp(_split(written))
    elif scheme in _OPTIONS:
        way, asked = _provider(written)
    else:
        raise ValueError(
            "is not a way to send (smtp://host:587, smtp+starttls://…, smtps://…, ses://KEY:SECRET@eu-west-1, "
            "postmark://TOKEN or mailgun://KEY@eu/mg.example.dk)"
        )
    return _with_options(way, asked)


def _smtp(parts: SplitResult) -> tuple[Way, str]:
    if not parts.hostname or set(parts.hostname) & _NOT_IN_HOSTS:
        raise ValueError("is not a mail server address (smtp://host:587, smtp+starttls://… or smtps://…)")
    place = f"{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    exact = f"{parts.hostname}:{parts.port or (465 if parts.scheme == 'smtps' else 587)}"
    address = parts._replace(query="", fragment="").geturl()
    if parts.password and unquote(parts.password).lower() in SAMPLES:
        raise ValueError("still holds a sample for the password")
    return Way(_short(f"smtp:{exact}"), parts.scheme, place, address=address), parts.query


def _provider(written: str) -> tuple[Way, str]:
    matched = _PROVIDER.fullmatch(written)
    if matched is None:
        raise ValueError("cannot be read; write a ? or @ within a key as %3F or %40")
    before = (matched["before"] or "").removesuffix("@")
    place = matched["place"]
    match matched["scheme"]:
        case "ses":
            user, _, secret = before.partition(":")
            if not user or not secret or not _REGION.fullmatch(place):
                raise ValueError("is not an address of Amazon SES (ses://KEY:SECRET@eu-west-1)")
            way = Way(f"ses:{place}", "ses", place, user=unquote(user), secret=unquote(secret))
        case "postmark":
            if before or not place:
                raise ValueError("is not an address of Postmark (postmark://TOKEN)")
            way = Way("postmark", "postmark", "", secret=unquote(place))
        case _:
            region, _, domain = place.partition("/")
            if not before or region not in {"eu", "us"} or not domain:
                raise ValueError("is not an address of Mailgun (mailgun://KEY@eu/mg.example.dk)")
            place = f"{region}/{_label(domain)}"
            way = Way(_short(f"mailgun:{_label(domain)}"), "mailgun", place, secret=unquote(before))
    if way.secret.lower() in _SAMPLE_KEYS:
        raise ValueError("still holds a sample for the key")
    return way, matched["asked"] or ""


def _with_options(way: Way, asked: str) -> Way:
    options: dict[str, str] = {}
    for name, value in parse_qsl(asked, keep_blank_values=True):
        options[name] = f"{options[name]},{value}" if name == "domains" and name in options else value
    unknown = sorted(set(options) - _FOR_ALL - _OPTIONS.get(way.kind, frozenset()))
    if unknown:
        # What stands after a ? may be the end of a key.
        raise ValueError(f"does not know {', '.join(name if _OPTION.fullmatch(name) else '…' for name in unknown)}")
    stream = options.pop("stream", None)
    if stream is not None:
        way = replace(way, place=_word(stream), name=_short(f"postmark:{stream.lower()}"))
    changed: dict[str, Any] = {name: _READ[name](value) for name, value in options.items()}
    return replace(way, **changed)


def _weight(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) > _MOST_WEIGHT:
        raise ValueError(f"has a weight that is no number from 0 to {_MOST_WEIGHT}")
    return int(value)


def _lines(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= _MOST_LINES:
        raise ValueError(f"has a number of lines that is not from 1 to {_MOST_LINES}")
    return int(value)


def _domains(value: str) -> tuple[str, ...]:
    return tuple(_label(part) for part in value.split(",") if part)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("has a name that is not made of up to 40 small letters, digits and : . _ / -")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError("has a stream or configuration set that is not made of letters, digits, _ and -")
    return value


def _yes_or_no(value: str) -> bool:
    if value not in {"yes", "no"}:
        raise ValueError("says neither yes nor no to chunking")
    return value == "yes"


def _endpoint(value: str) -> str:
    parts = _split(value)
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    # In the clear a key would be read by anybody on the way.
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not parts.hostname or extra or not safe:
        raise ValueError("has an endpoint that is not https://host")
    return f"{parts.scheme}://{parts.netloc}"


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        usable = parts.port != 0
    except ValueError:
        # Its own words may quote the password.
        raise ValueError("has no usable host or port") from None
    if not usable:
        raise ValueError("has no usable host or port")
    return parts


def _label(domain: str) -> str:
    try:
        return idna.encode(domain.strip().rstrip(".").lower(), uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("names something that is no domain") from None


def _short(name: str) -> str:
    """Return a name that fits a delivery's row, and is still another one for another way."""
    if len(name) <= NAME_LIMIT:
        return name
    return f"{name[: NAME_LIMIT - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


_READ: Mapping[str, Callable[[str], object]] = {
    "weight": _weight,
    "domains": _domains,
    "name": _name,
    "endpoint": _endpoint,
    # A plus sign that nobody encoded has become a space.
    "session_token": lambda value: value.replace(" ", "+"),
    "configuration_set": _word,
    "chunking": _yes_or_no,
    "lines": _lines,
}
