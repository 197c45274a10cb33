"""The label of a paid place in a letter: the word readers of a country know it by, and who paid where the law asks.

The words are data with their rule and source (``sponsored_words.toml``),
because authorities change what they accept. In Russia the label alone is not
enough: who advertises stands beside it, with a tax number and the number under
which the advertisement is registered.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_FILE = Path(__file__).resolve().with_name("sponsored_words.toml")
_NAMES_ADVERTISERS = "RU"
_TAX_ID = re.compile(r"[0-9]{10}|[0-9]{12}")
_ERID = re.compile(r"[A-Za-z0-9]{8,64}")
_WEIGHTS = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
"""Weights of the check digits of a Russian tax number, for its last; one before the last, they begin one later."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a paid place is called in one country and language, by which rule, and where that is written.

    ``verified`` says that the words were read at the source.
    """

    spoken: str
    country: str
    word: str
    also: tuple[str, ...]
    rule: str
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Advertiser:
    """Who pays for a place; ``tax_id`` and ``erid`` (the number of the advertisement) are asked for in Russia alone."""

    name: str
    tax_id: str = ""
    erid: str = ""


@cache
def words() -> dict[str, Any]:
    """Return the file of words as it is read."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def labels() -> Sequence[Label]:
    """Return all labels."""
    return tuple(Label(**{**row, "also": tuple(row["also"])}) for row in words()["label"])


@cache
def of(country: str, spoken: str) -> Label:
    """Return the label for readers of a country, in a language; English for languages we do not speak."""
    code = language.known(spoken)
    own = [row for row in labels() if row.spoken == code]
    return next((row for row in own if row.country == country.upper()), own[0])


def label(country: str, spoken: str) -> str:
    """Return the word a paid place begins with."""
    return of(country, spoken).word


def accepted(country: str, spoken: str) -> frozenset[str]:
    """Return all words a paid place may begin with."""
    row = of(country, spoken)
    return frozenset({row.word, *row.also})


def names_advertiser(country: str) -> bool:
    """Return whether the law of a country has the advertiser's numbers beside the label."""
    return country.upper() == _NAMES_ADVERTISERS


def missing(country: str, advertiser: Advertiser | None) -> list[str]:
    """Return what has to be added about an advertiser, one sentence each; none where all is there."""
    if not names_advertiser(country):
        return []
    who = advertiser or Advertiser("")
    found = []
    if not who.name.strip():
        found.append(language.text("The advertiser's legal name is missing."))
    if not is_tax_id(who.tax_id.strip()):
        found.append(language.text("The advertiser's tax number (INN) has 10 or 12 digits; this one cannot be right."))
    if not _ERID.fullmatch(who.erid.strip()):
        found.append(language.text("The number of the advertisement (erid) is missing, or not as registers give it."))
    return found


def full_label(country: str, spoken: str, advertiser: Advertiser | None = None) -> str:
    """Return the label with who paid. Raises Invalid (``advertiser_incomplete``) with what has to be added."""
    if lacking := missing(country, advertiser):
        raise Invalid("advertiser_incomplete", " ".join(lacking))
    word = label(country, spoken)
    if advertiser is None or not advertiser.name.strip():
        return word
    name = " ".join(advertiser.name.split())
    if not names_advertiser(country):
        return f"{word}: {name}"
    line: str = words()["russia"]["line"]
    return line.format(label=word, name=name, tax_id=advertiser.tax_id.strip(), erid=advertiser.erid.strip())


def is_tax_id(written: str) -> bool:
    """Return whether it can be a Russian tax number: 10 digits with one check digit, or 12 with two."""
    if not _TAX_ID.fullmatch(written):
        return False
    digits = [int(digit) for digit in written]
    checked = (9,) if len(digits) == 10 else (10, 11)  # noqa: PLR2004 - the length of a company's number
    return all(_check_digit(digits[:place]) == digits[place] for place in checked)


def _check_digit(digits: Sequence[int]) -> int:
    weights = _WEIGHTS[-len(digits) :]
    return sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) % 11 % 10
