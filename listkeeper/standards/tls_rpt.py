"""Where senders report that a mail could not travel encrypted: TLS-RPT (RFC 8460 section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from listkeeper.foundation import language
from listkeeper.standards import versioned_record

VERSION = "TLSRPTv1"
_SHOWN = 60
# A comma, a semicolon or an exclamation mark in an address must be percent-encoded.
_URI = re.compile(r"[\x21-\x7e]+")
_MAILTO = re.compile(r"mailto:[^@\s]+@[^@\s?]+(?:\?.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """The TXT record; ``rua`` are the addresses reports go to, ``mailto:`` or ``https:``."""

    text: str
    rua: tuple[str, ...]


@dataclass(frozen=True)
class Bad:
    """A record that senders do not use; ``reason`` says why in words."""

    reason: str


def record_name(domain: str) -> str:
    """Return the name the record stands at."""
    return f"_smtp._tls.{domain}"


def record(texts: Iterable[str]) -> Record | Bad | None:
    """Return the record among the TXT texts at its name, None when there is none. Never raises."""
    found = versioned_record.of_version(texts, VERSION)
    if not found:
        return None
    return parse(found[0]) if len(found) == 1 else Bad(versioned_record.several(len(found)))


def parse(text: str) -> Record | Bad:
    """Read one record. Never raises, whatever the text holds."""
    fields = versioned_record.fields(text, VERSION)
    if isinstance(fields, str):
        return Bad(fields)
    if not fields.get("rua"):
        return Bad(language.text("rua= must say where reports go to"))
    addresses = tuple(address.strip(" \t") for address in fields["rua"].split(","))
    wrong = next((address for address in addresses if not _is_target(address)), None)
    if wrong is not None:
        return Bad(
            language.text(
                "“%(address)s” in rua= is neither a mailto: nor an https: address", address=ascii(wrong)[1:-1][:_SHOWN]
            )
        )
    return Record(text, addresses)


def _is_target(address: str) -> bool:
    if not _URI.fullmatch(address) or "!" in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(_MAILTO.fullmatch(address)) or (parts.scheme == "https" and bool(parts.hostname))
