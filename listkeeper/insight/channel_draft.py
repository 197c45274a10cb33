"""A channel as somebody types it: every field a text that may still be empty, checked and kept in one plain way.

What is kept is what the calculator is fed with: digits with a point, shares in
per cent, money in whole units of its currency. A field that is empty makes its
channel an open one: nothing is worked out of it, and nothing is assumed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from listkeeper.foundation import figure, language, money
from listkeeper.foundation.errors import Invalid
from listkeeper.insight.channel_profit import MOST_CHANNELS, MOST_MAILINGS, ChannelPlan

NAME_LIMIT = 40
# In the order in which they are asked for.
FIELDS = (
    "people", "mailings", "piece_cost", "fixed_cost", "response", "conversion", "contribution", "decay",
)  # fmt: skip
WHOLE = frozenset({"people", "mailings"})
MONEY = frozenset({"piece_cost", "fixed_cost", "contribution"})
_SHARES = frozenset({"response", "conversion", "decay", "overlap"})
_MOST_PEOPLE = 1_000_000_000
_MOST_MONEY = 1_000_000_000
_MOST_SYNERGY = 1000
# A mail is priced to the millionth of a crown, and nothing is finer.
_PIECE_PLACES = 6


@dataclass(frozen=True)
class ChannelDraft:
    """One channel: its name, and a plain text for each field, empty where nobody filled it in."""

    name: str
    values: Mapping[str, str]

    def value(self, name: str) -> str:
        """Return what is kept of a field."""
        return self.values.get(name, "")

    @property
    def open(self) -> bool:
        """Whether something is still to be filled in."""
        return not all(self.value(name) for name in FIELDS)


@dataclass(frozen=True)
class ProfitDraft:
    """All that a scenario is made of."""

    currency: str
    channels: Sequence[ChannelDraft]
    overlap: str = "0"
    synergy: str = "0"

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored and handed to programs; the currency has a column of its own."""
        channels = [{"name": each.name, **{name: each.value(name) for name in FIELDS}} for each in self.channels]
        return {"channels": channels, "overlap": self.overlap, "synergy": self.synergy}


@dataclass
class Reading:
    """What was typed, read: a draft, and what is wrong by the name of the field, as ``0.response`` or ``overlap``."""

    draft: ProfitDraft
    # As it was typed, so that a mistake stands where it was made.
    typed: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def of_json(currency: str, stored: Mapping[str, Any]) -> ProfitDraft:
    """Return the draft that ``as_json`` wrote, or a program sent. Raises Invalid for anything else."""
    channels = stored.get("channels")
    if not isinstance(channels, list) or not all(isinstance(one, dict) for one in channels):
        raise Invalid("channels", language.text("The channels are missing."))
    typed = {f"{number}.{name}": str(value) for number, one in enumerate(channels) for name, value in one.items()}
    typed |= {name: str(stored.get(name, "0")) for name in ("overlap", "synergy")}
    found = read(currency, len(channels), typed, plain=True)
    if found.wrong:
        where, sentence = next(iter(found.wrong.items()))
        raise Invalid("profit_field", f"{where}: {sentence}")
    return found.draft


def read(currency: str, number: int, typed: Mapping[str, str], *, plain: bool = False) -> Reading:
    """Read what was typed of some channels, in the current language, or in the plain way of programs.

    ``typed`` has ``0.name``, ``0.people``, … and ``overlap`` and ``synergy``. A wrong field is kept as an empty one.
    Raises Invalid for a currency that we do not know, or more channels than can be compared.
    """
    code = money.checked(currency)
    if not 1 <= number <= MOST_CHANNELS:
        sentence = language.text("From one to %(most)s channels can be compared.", most=MOST_CHANNELS)
        raise Invalid("too_many_channels", sentence)
    wrong: dict[str, str] = {}

    def value(place: str, name: str) -> str:
        try:
            return _kept(name, typed.get(place, ""), code, plain=plain)
        except Invalid as problem:
            wrong[place] = problem.message
            return ""

    channels = [
        ChannelDraft(
            _name(typed.get(f"{each}.name", ""), each), {name: value(f"{each}.{name}", name) for name in FIELDS}
        )
        for each in range(number)
    ]
    draft = ProfitDraft(code, channels, value("overlap", "overlap") or "0", value("synergy", "synergy") or "0")
    return Reading(draft, dict(typed), wrong)


def _name(typed: str, position: int) -> str:
    said = " ".join("".join(char for char in typed if unicodedata.category(char)[0] != "C" or char == " ").split())
    return said[:NAME_LIMIT].strip() or language.text("Channel %(number)s", number=position + 1)


def _kept(name: str, typed: str, currency: str, *, plain: bool) -> str:
    said = typed.strip().removesuffix("%").strip()
    if not said:
        return ""
    # What people and coins are counted in has no third decimal.
    coarse = name in WHOLE or (name in MONEY and name != "piece_cost" and money.precision(currency) < 3)  # noqa: PLR2004
    number = figure.of_plain(said) if plain else figure.read(said, coarse=coarse)
    _check(name, number, currency)
    return figure.plain(number)


def _check(name: str, number: Fraction, currency: str) -> None:
    """Raise Invalid for a number that cannot be what its field asks for."""
    if number < 0 and name != "synergy":
        raise Invalid("below_nothing", language.text("This cannot be less than nothing."))
    if name in _SHARES and number > 100:  # noqa: PLR2004 - per cent
        raise Invalid("share", language.text("A share lies between 0 and 100 per cent."))
    if name == "synergy" and not -100 <= number <= _MOST_SYNERGY:  # noqa: PLR2004 - per cent
        raise Invalid("synergy", language.text("Please choose between -100 and 1000 per cent."))
    if name in WHOLE and number.denominator != 1:
        raise Invalid("not_whole", language.text("Please write a whole number."))
    if name == "mailings" and not 1 <= number <= MOST_MAILINGS:
        raise Invalid("mailings", language.text("Please choose from 1 to %(most)s mailings.", most=MOST_MAILINGS))
    if number > (_MOST_MONEY if name in MONEY else _MOST_PEOPLE):
        raise Invalid("too_large", language.text("This is more than can be worked out here."))
    _check_coin(name, number, currency)


def _check_coin(name: str, number: Fraction, currency: str) -> None:
    places = _PIECE_PLACES if name == "piece_cost" else money.precision(currency)
    if name in MONEY and (number * 10**places).denominator != 1:
        sentence = language.text("This is finer than the smallest coin. Please round it.")
        raise Invalid("too_fine", sentence)


def plan(draft: ChannelDraft, currency: str) -> ChannelPlan | None:
    """Return what the calculator works with; None while something is to be filled in."""
    if draft.open:
        return None
    found = {name: Fraction(draft.value(name)) for name in FIELDS}
    coins = 10 ** money.precision(currency)
    return ChannelPlan(
        name=draft.name,
        people=int(found["people"]),
        mailings=int(found["mailings"]),
        piece_cost=found["piece_cost"] * coins,
        fixed_cost=int(found["fixed_cost"] * coins),
        response=found["response"] / 100,
        conversion=found["conversion"] / 100,
        contribution=int(found["contribution"] * coins),
        decay=found["decay"] / 100,
    )
