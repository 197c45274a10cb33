"""What a spam filter said of a letter: points, the bar, and the rules that gave the points."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from listkeeper.standards import foreign_text

MOST_REASONS = 200
_LONGEST = 160
# In brackets stand the particulars of a rule: addresses, among others.
_PARTICULARS = re.compile(r"\s*\[.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that gave points, or took some; ``description`` is the filter's own, in English, or empty."""

    name: str
    score: float
    description: str

    @property
    def words(self) -> str:
        """What is shown to people: the description, or else the rule's name."""
        return self.description or self.name


@dataclass(frozen=True, slots=True)
class Scored:
    """The letter was looked at. ``threshold`` is from how many points on ``by`` takes a letter for spam."""

    score: float
    threshold: float
    is_spam: bool
    reasons: tuple[Reason, ...]
    by: str

    @property
    def by_weight(self) -> Sequence[Reason]:
        """The rules, the heaviest first."""
        return sorted(self.reasons, key=lambda reason: (-reason.score, reason.name))

    def heaviest(self, most: int) -> Sequence[Reason]:
        """Return the rules that speak most against the letter; where it is spam without points, those that say so."""
        against = [reason for reason in self.by_weight if reason.score > 0]
        return against[:most] or (list(self.by_weight)[:most] if self.is_spam else [])


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Nobody has judged the letter; ``reason`` says why in words."""

    reason: str


def reason(name: str, score: float, description: str = "") -> Reason | None:
    """Return a rule as it may be shown; None where its points are no number."""
    if not math.isfinite(score):
        return None
    told = foreign_text.clean(_PARTICULARS.sub("", description), _LONGEST).rstrip(".")
    return Reason(foreign_text.clean(name, _LONGEST), score, told)
