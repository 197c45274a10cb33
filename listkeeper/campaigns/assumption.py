"""Assumption: what the owner believes a letter will bring, written down before it leaves and laid beside it after.

One number about one thing, such as “3 % click”. What came is a share of some
people, and a share of few says little: it is given with the interval that
chance leaves open (Wilson's, 95 %), and a belief is called right, too high or
too low only where that interval says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import sqrt
from typing import Any

from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# Shares are kept in thousandths of a per cent: replies are often a few in ten thousand.
WHOLE = 100_000
LONGEST_WORDS = 300
# Two-sided, one in twenty (the normal distribution).
_SURE = 1.959964
_WRITTEN = re.compile(r"([a-z]+)\s+(\d{1,3}(?:[.,]\d{1,3})?)\s*%?", re.ASCII)
_SHARE = re.compile(r"\d{1,3}(?:[.,]\d{1,3})?", re.ASCII)


class Measure(StrEnum):
    """What a belief is about; the words scripts rely on."""

    # Readers who follow a link, of those whose clicks are counted.
    CLICKS = "clicks"
    REPLIES = "replies"
    LEFT = "left"
    # Of the same: only their links carry the mark that an order names the letter by.
    ORDERS = "orders"


@dataclass(frozen=True)
class Assumption:
    """A belief: the measure, the share in thousandths of a per cent, and why, in the owner's words."""

    measure: Measure
    value: int
    words: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the letter keeps it."""
        return {"measure": self.measure.value, "value": self.value, "words": self.words}


class Verdict(StrEnum):
    """What a share says of a belief."""

    NOTHING = "nothing"
    TOO_FEW = "too_few"
    AS_BELIEVED = "as_believed"
    MORE = "more"
    LESS = "less"


def named(measure: Measure) -> str:
    """Return what a belief is about, as an entry to choose."""
    return {
        Measure.CLICKS: language.text("readers who follow a link"),
        Measure.REPLIES: language.text("readers who write back"),
        Measure.LEFT: language.text("readers who leave"),
        Measure.ORDERS: language.text("orders"),
    }[measure]


def of(campaign: Campaign) -> Assumption | None:
    """Return what was believed of a letter; None where nothing was, or nothing that can be read."""
    kept = campaign.assumption or {}
    try:
        return Assumption(Measure(kept["measure"]), int(kept["value"]), str(kept.get("words", "")))
    except (KeyError, TypeError, ValueError):
        return None


def typed(measure: str, share: str, words: str = "") -> Assumption | None:
    """Return what fields say; None when none is filled in. Raises Invalid."""
    why = " ".join(words.split())
    if not share.strip():
        if why:
            raise _unreadable()
        return None
    if measure not in set(Measure) or not _SHARE.fullmatch(share.strip().removesuffix("%").rstrip()):
        raise _unreadable()
    value = int(Decimal(share.strip().removesuffix("%").rstrip().replace(",", ".")) * 1000)
    if not 0 < value <= WHOLE or len(why) > LONGEST_WORDS or not why.isprintable():
        raise _unreadable()
    return Assumption(Measure(measure), value, why)


def read(written: str) -> Assumption:
    """Return what one line says, as ``clicks 3%``. Raises Invalid."""
    found = _WRITTEN.fullmatch(written.strip().lower())
    made = typed(found[1], found[2]) if found else None
    if made is None:
        raise _unreadable()
    return made


def _unreadable() -> Invalid:
    sentence = language.text(
        "Please write what you believe as a share between 0 and 100, such as 3 %: of clicks, replies, left or orders. "
        "Nothing was sent."
    )
    return Invalid("assumption", sentence)


def between(hits: int, people: int) -> tuple[float, float]:
    """Return between which shares (0 to 1) the truth lies, as far as chance leaves it open; 0 to 1 for nobody."""
    if people <= 0:
        return 0.0, 1.0
    share, z = min(hits / people, 1.0), _SURE * _SURE / people
    middle, half = (share + z / 2) / (1 + z), _SURE * sqrt(share * (1 - share) / people + z / (4 * people)) / (1 + z)
    low = 0.0 if hits == 0 else max(middle - half, 0.0)
    return low, 1.0 if hits >= people else min(middle + half, 1.0)


def judge(value: int, hits: int, people: int) -> Verdict:
    """Return what ``hits`` of ``people`` say of a believed share (in thousandths of a per cent)."""
    if people <= 0:
        return Verdict.NOTHING
    (low, high), believed = between(hits, people), value / WHOLE
    if low > believed:
        return Verdict.MORE
    if high < believed:
        return Verdict.LESS
    # It holds what was believed, but would hold half of it, or half as much again, as well.
    return Verdict.AS_BELIEVED if high - low <= believed else Verdict.TOO_FEW
