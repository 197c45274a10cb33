"""A target as people type it: “3” or “2,5” for a share in per cent, an amount of money, or how many."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import source_cost
from listkeeper.foundation import figure, language, money
from listkeeper.foundation.errors import Invalid
from listkeeper.insight.board_number import NUMBERS, NumberKind, Unit

_SHARE = re.compile(r"(\d{1,3})(?:[.,](\d))?\s*%?", re.ASCII)
_WHOLE = 1000


def currency_of(session: Session, organisation: Organisation) -> str:
    """Return the currency a business counts its costs in; the first we know as long as it has none."""
    return next((cost.currency for cost in source_cost.every(session, organisation)), money.CURRENCIES[0])


def read(kind: NumberKind, typed: str, currency: str) -> int | None:
    """Return a target in the unit of its number; nothing typed is none. Raises Invalid."""
    plain = typed.strip()
    if not plain:
        return None
    match NUMBERS[kind].unit:
        case Unit.SHARE:
            return _share(plain)
        case Unit.MONEY:
            return money.parse(plain, currency)
        case _:
            return _number(plain)


def _share(plain: str) -> int:
    found = _SHARE.fullmatch(plain)
    value = int(found[1]) * 10 + int(found[2] or 0) if found else _WHOLE + 1
    if value > _WHOLE:
        raise Invalid("target", language.text("This target is per cent: please type 0 to 100. Nothing was changed."))
    return value


def _number(plain: str) -> int:
    """Return how many; thousands may be divided as people write them, and nothing else."""
    try:
        value = figure.read(plain, coarse=True)
    except Invalid:
        value = Fraction(-1)
    if value < 0 or value.denominator != 1:
        raise Invalid("target", language.text("This target is a whole number from 0 on. Nothing was changed."))
    return int(value)


def typed(kind: NumberKind, value: int | None, currency: str) -> str:
    """Return a target as it stands in its field, so that ``read`` understands it again."""
    if value is None:
        return ""
    match NUMBERS[kind].unit:
        case Unit.SHARE:
            return f"{Decimal(value) / 10:f}".removesuffix(".0")
        case Unit.MONEY:
            places = money.precision(currency)
            return f"{Decimal(value).scaleb(-places):.{places}f}"
        case _:
            return str(value)


def hint(kind: NumberKind, currency: str) -> str:
    """Say in which unit a target is typed."""
    match NUMBERS[kind].unit:
        case Unit.SHARE:
            return "%"
        case Unit.MONEY:
            return currency
        case _:
            return ""
