"""The kinds of numbers that a board can show; each makes somebody do one thing.

A number has a unit, a direction in which it is better, and a target to begin
with, where one holds for everybody. What it is, is said in one sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listkeeper.foundation import language, money


class NumberKind(StrEnum):
    """What is counted; scripts rely on these words."""

    NEW_CONFIRMED = "new_confirmed"
    CLICKED_LAST = "clicked_last"
    TRUST = "trust"
    REPLIES_IN_TIME = "replies_in_time"
    WEAKEST_FORM = "weakest_form"
    NEVER_REACTED = "never_reacted"
    COST_OF_ONE = "cost_of_one"
    LEFT = "left"
    ENDING_SOON = "ending_soon"
    ORDERS = "orders"
    REACH = "reach"


class Unit(StrEnum):
    """How a value is read: how many, thousandths, minor units of a currency, or things to repair."""

    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    FAULTS = "faults"


class Better(StrEnum):
    """In which direction it gets better."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True)
class Number:
    """One kind. ``target`` is in its unit; None: there is none that holds for everybody."""

    kind: NumberKind
    unit: Unit
    better: Better
    target: int | None = None
    # Of so many days it is counted; 0: as it stands.
    days: int = 0


K = NumberKind
_ALL = (
    Number(K.NEW_CONFIRMED, Unit.COUNT, Better.MORE, 10, days=7),
    Number(K.CLICKED_LAST, Unit.SHARE, Better.MORE, 30),
    Number(K.TRUST, Unit.FAULTS, Better.LESS, 0),
    Number(K.REPLIES_IN_TIME, Unit.SHARE, Better.MORE, 900, days=30),
    Number(K.WEAKEST_FORM, Unit.SHARE, Better.MORE, 600, days=90),
    Number(K.NEVER_REACTED, Unit.SHARE, Better.LESS, 250),
    Number(K.COST_OF_ONE, Unit.MONEY, Better.LESS),
    Number(K.LEFT, Unit.COUNT, Better.LESS, days=30),
    Number(K.ENDING_SOON, Unit.COUNT, Better.LESS, 0),
    Number(K.ORDERS, Unit.COUNT, Better.MORE, days=30),
    Number(K.REACH, Unit.COUNT, Better.MORE),
)
NUMBERS: dict[NumberKind, Number] = {each.kind: each for each in _ALL}
DEFAULT = (K.NEW_CONFIRMED, K.CLICKED_LAST, K.TRUST)


def title(kind: NumberKind) -> str:
    """Return what a number is called, as a heading."""
    return {
        K.NEW_CONFIRMED: language.text("New this week"),
        K.CLICKED_LAST: language.text("Clicked the last letter"),
        K.TRUST: language.text("Trust account"),
        K.REPLIES_IN_TIME: language.text("Replies in time"),
        K.WEAKEST_FORM: language.text("The weakest form"),
        K.NEVER_REACTED: language.text("Never reacted"),
        K.COST_OF_ONE: language.text("Cost of one reader"),
        K.LEFT: language.text("Left this month"),
        K.ENDING_SOON: language.text("Permissions that end soon"),
        K.ORDERS: language.text("Orders after letters"),
        K.REACH: language.text("People a letter reaches"),
    }[kind]


def sentence(kind: NumberKind) -> str:
    """Say in one sentence what a number is."""
    return {
        K.NEW_CONFIRMED: language.text("How many people said yes in the last seven days."),
        K.CLICKED_LAST: language.text("Of 100 mails whose links are counted, from how many a person followed a link."),
        K.TRUST: language.text(
            "How many things cost you trust: complaints, bounces, people who leave, proofs of the domain, and asking "
            "more than you give."
        ),
        K.REPLIES_IN_TIME: language.text("Of 100 people who wrote to you in 30 days, how many were answered in time."),
        K.WEAKEST_FORM: language.text("Of 100 people who signed up by your weakest form, how many confirmed."),
        K.NEVER_REACTED: language.text("Of 100 people who can be judged, how many never reacted to any letter."),
        K.COST_OF_ONE: language.text("What one confirmed reader cost you, over all places you typed a cost for."),
        K.LEFT: language.text("How many people left in the last 30 days."),
        K.ENDING_SOON: language.text("How many permissions end within 30 days if nothing happens."),
        K.ORDERS: language.text("How many orders of the last 30 days your shop counts for a letter."),
        K.REACH: language.text("How many people a letter to everybody would reach today."),
    }[kind]


def written(number: Number, value: int, currency: str = "") -> str:
    """Return a value as people read it."""
    match number.unit:
        case Unit.SHARE:
            return language.share(value)
        case Unit.MONEY:
            return money.text(value, currency) if currency else language.number(value)
        case Unit.FAULTS:
            return faults(value) if value else language.text("Nothing to repair")
        case _:
            return language.number(value)


def faults(value: int) -> str:
    """Say how many things there are to repair: a bare number would not tell whether many are good."""
    return language.counted("%(number)s thing to repair", "%(number)s things to repair", value)


def target_words(number: Number, target: int | None, currency: str = "") -> str:
    """Say what the target is; empty where there is none."""
    if target is None:
        return ""
    if number.unit is Unit.FAULTS and not target:
        return language.text("Target: nothing to repair")
    said = written(number, target, currency)
    if number.better is Better.MORE:
        return language.text("Target: at least %(value)s", value=said)
    return language.text("Target: at most %(value)s", value=said)
