"""The logo beside a message: the record of Brand Indicators for Message Identification.

From draft-brand-indicators-for-message-identification, section "Assertion
Record": it is no RFC yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from listkeeper.foundation import language
from listkeeper.standards import versioned_record

VERSION = "BIMI1"
_SHOWN = 60
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PICTURES = (".svg", ".svgz")


@dataclass(frozen=True)
class Record:
    """A published logo: ``logo`` is its address, ``evidence`` that of its certificate, empty when there is none."""

    text: str
    logo: str
    evidence: str


@dataclass(frozen=True)
class Declined:
    """A record that says, on purpose, that no logo is to be shown: ``v=BIMI1; l=; a=;``."""

    text: str


@dataclass(frozen=True)
class Bad:
    """A record that receivers do not use; ``reason`` says why in words."""

    reason: str


def record_name(domain: str, selector: str = "default") -> str:
    """Return the name a record stands at."""
    return f"{selector}._bimi.{domain}"


def record(texts: Iterable[str]) -> Record | Declined | Bad | None:
    """Return the record among the TXT texts at its name, None when there is none. Never raises."""
    found = versioned_record.of_version(texts, VERSION)
    if not found:
        return None
    return parse(found[0]) if len(found) == 1 else Bad(versioned_record.several(len(found)))


def parse(text: str) -> Record | Declined | Bad:
    """Read one record. Never raises, whatever the text holds."""
    fields = versioned_record.fields(text, VERSION)
    if isinstance(fields, str):
        return Bad(fields)
    logo, evidence = fields.get("l"), fields.get("a", "")
    if logo is None:
        return Bad(language.text("it has no l= with the address of the logo"))
    if not logo:
        return Bad(language.text("a= names a certificate and l= no logo")) if evidence else Declined(text)
    wrong = next((address for address in (logo, evidence) if address and not _is_https(address)), None)
    if wrong is not None:
        return Bad(language.text("“%(address)s” is no https: address", address=ascii(wrong)[1:-1][:_SHOWN]))
    if not urlsplit(logo).path.lower().endswith(_PICTURES):
        return Bad(language.text("the logo must be an SVG picture, with an address that ends in .svg"))
    return Record(text, logo, evidence)


def _is_https(address: str) -> bool:
    if not _PRINTABLE.fullmatch(address) or "," in address:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and "." in (parts.hostname or "")
