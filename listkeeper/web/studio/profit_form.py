"""The form of the profit calculator: what was typed, and a draft as people of the language type it."""

from __future__ import annotations

from fractions import Fraction

from flask import request

from listkeeper.foundation import figure, language, money
from listkeeper.insight import channel_draft
from listkeeper.insight.channel_draft import FIELDS, ProfitDraft, Reading
from listkeeper.insight.channel_profit import MOST_CHANNELS

_LONGEST = 60
_BOTH = ("overlap", "synergy")


def as_typed(draft: ProfitDraft) -> dict[str, str]:
    """Return what stands in the fields."""
    typed = {f"{number}.name": each.name for number, each in enumerate(draft.channels)}
    for number, each in enumerate(draft.channels):
        typed |= {f"{number}.{name}": _written(each.value(name)) for name in FIELDS}
    return typed | {"overlap": _written(draft.overlap), "synergy": _written(draft.synergy)}


def _written(value: str) -> str:
    return figure.text(Fraction(value)) if value else ""


def read() -> Reading:
    """Read the posted form, with a channel more or less if that is the button that was pressed."""
    number = min(max(request.form.get("channels", 1, int), 1), MOST_CHANNELS)
    names = [f"{each}.{name}" for each in range(number) for name in ("name", *FIELDS)]
    typed = {name: request.form.get(name, "")[:_LONGEST] for name in (*names, *_BOTH)}
    pressed = request.form.get("act", "")
    if pressed == "add" and number < MOST_CHANNELS:
        typed |= {f"{number}.name": language.text("Another channel"), f"{number}.mailings": "1", f"{number}.decay": "0"}
        number += 1
    elif pressed.startswith("remove-") and number > 1:
        typed = _without(typed, number, pressed.removeprefix("remove-"))
        number = len([name for name in typed if name.endswith(".name")])
    currency = request.form.get("currency", "").strip().upper()
    return channel_draft.read(currency if currency in money.CURRENCIES else money.CURRENCIES[0], number, typed)


def _without(typed: dict[str, str], number: int, which: str) -> dict[str, str]:
    stay = [each for each in range(number) if str(each) != which]
    moved = {
        f"{to}.{name}": typed.get(f"{each}.{name}", "") for to, each in enumerate(stay) for name in ("name", *FIELDS)
    }
    return moved | {name: typed[name] for name in _BOTH}
