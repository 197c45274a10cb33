"""Column headings: one way to compare them, what the known ones mean, and finding addresses by what a column holds."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("sources.toml")
_ADDRESS = re.compile(r"\s*[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}\s*")
_BETWEEN = re.compile(r"[\s_.\-]+")
# A column of addresses may have gaps and typing errors, but not many.
_MOSTLY = 0.5
# Headings that only one of these languages uses, so that an export tells its owner's language.
_LANGUAGES = {
    "vorname": "de", "nachname": "de", "fornavn": "da", "efternavn": "da", "etternavn": "nb", "fornamn": "sv",
    "efternamn": "sv", "imie": "pl", "nazwisko": "pl", "имя": "ru", "фамилия": "ru", "first name": "en",
}  # fmt: skip


class Role(StrEnum):
    """What a column is for."""

    ADDRESS = "address"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    STATUS = "status"
    REQUESTED_AT = "requested_at"
    REQUESTED_IP = "requested_ip"
    CONFIRMED_AT = "confirmed_at"
    CONFIRMED_IP = "confirmed_ip"
    ORIGIN = "origin"
    METHOD = "method"
    TEXT = "text"
    OPTED_OUT_AT = "opted_out_at"


@cache
def data() -> dict[str, Any]:
    """Return the tables of ``sources.toml``."""
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


@lru_cache(maxsize=4096)
def fold(heading: str) -> str:
    """Return a heading without case, accents and signs between its words: ``OPT_IN-Time`` and ``opt in time``."""
    plain = unicodedata.normalize("NFKD", heading.casefold().replace("ł", "l").replace("ø", "o").replace("æ", "ae"))
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return _BETWEEN.sub(" ", bare).strip(" \"'*:\ufeff")


@cache
def _meanings() -> dict[str, Role]:
    return {fold(word): Role(role) for role, words in data()["roles"].items() for word in words}


def roles(header: Sequence[str]) -> dict[Role, int]:
    """Return which column is what, by its heading; the first one wins."""
    found: dict[Role, int] = {}
    for index, heading in enumerate(header):
        role = _meanings().get(fold(heading))
        if role is not None:
            found.setdefault(role, index)
    return found


def holds_addresses(cells: Iterable[str]) -> float:
    """Return the share of filled cells that look like a mail address."""
    filled = [cell for cell in cells if cell.strip()]
    return sum(bool(_ADDRESS.fullmatch(cell)) for cell in filled) / len(filled) if filled else 0.0


def address_column(header: Sequence[str], sample: Sequence[Sequence[str]]) -> int | None:
    """Return the column that holds the addresses: by heading when its cells agree, else by content."""
    width = max([len(header), *(len(row) for row in sample)], default=0)
    shares = [holds_addresses(row[index] for row in sample if index < len(row)) for index in range(width)]
    named = roles(header).get(Role.ADDRESS)
    if named is not None and (not sample or shares[named] >= _MOSTLY):
        return named
    best = max(range(width), key=lambda index: shares[index], default=0)
    if width and shares[best] >= _MOSTLY:
        return best
    # Nearly all cells are empty or wrong: the heading is all there is to go by.
    return named


def language_of(header: Sequence[str]) -> str | None:
    """Return the language that headings are in, when one of them tells."""
    return next((_LANGUAGES[word] for word in map(fold, header) if word in _LANGUAGES), None)
