"""A reading: what a number came to, what it was before, and what it rests on; or why it could not be measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from listkeeper.foundation import language, money


class Unknown(StrEnum):
    """Why there is no value; it is stored, and said in words where it is read."""

    NOTHING_SENT = "nothing_sent"
    TOO_YOUNG = "too_young"
    NO_LINKS_COUNTED = "no_links_counted"
    NOBODY_WROTE = "nobody_wrote"
    FEW_SIGNUPS = "few_signups"
    NOBODY_JUDGED = "nobody_judged"
    NO_COSTS = "no_costs"
    NOBODY_CONFIRMED = "nobody_confirmed"
    NO_ORDERS_TOLD = "no_orders_told"
    NO_LIST = "no_list"
    PARTS = "parts"


@dataclass(frozen=True)
class Reading:
    """One measurement. ``facts``: ``part`` of ``whole`` where it is a share, and what its action needs to know."""

    value: int | None
    before: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def unknown(self) -> Unknown | None:
        """Why there is no value."""
        return Unknown(self.facts["unknown"]) if "unknown" in self.facts else None

    @property
    def currency(self) -> str:
        """In which currency it is, where it is money."""
        return str(self.facts.get("currency", ""))


def unknown(why: Unknown, **facts: Any) -> Reading:  # noqa: ANN401 - what its action needs to know
    """Return a reading without a value."""
    return Reading(None, None, {"unknown": why.value, **facts})


def share(part: int, whole: int, before: int | None = None, **facts: Any) -> Reading:  # noqa: ANN401 - the same
    """Return a part of a whole in thousandths."""
    return Reading(money.each(part * 1000, whole), before, {"part": part, "whole": whole, **facts})


def unknown_words(why: Unknown) -> str:
    """Say why there is no value."""
    return {
        Unknown.NOTHING_SENT: language.text("Not measured: no letter has gone out yet."),
        Unknown.TOO_YOUNG: language.text("Not measured: the last letter left less than a day ago."),
        Unknown.NO_LINKS_COUNTED: language.text("Not measured: the links of the last letter were not counted."),
        Unknown.NOBODY_WROTE: language.text("Not measured: nobody wrote to you in 30 days."),
        Unknown.FEW_SIGNUPS: language.text("Not measured: fewer than 20 people signed up by any form in 90 days."),
        Unknown.NOBODY_JUDGED: language.text(
            "Not measured: nobody can be judged yet. It takes half a year of letters to people who let you see "
            "their clicks."
        ),
        Unknown.NO_COSTS: language.text("Not measured: you have not typed in what your places cost."),
        Unknown.NOBODY_CONFIRMED: language.text("Not measured: nobody has confirmed by a place that costs something."),
        Unknown.NO_ORDERS_TOLD: language.text("Not measured: your shop has not told us of any order."),
        Unknown.NO_LIST: language.text("Not measured: there is no list yet."),
        Unknown.PARTS: language.text("Not measured: not all of it is known."),
    }[why]
