"""Money: whole minor units (øre, cents) and a currency, never a float.

People type amounts as they write them: ``1.234,50``, ``1 234.5``, ``99``. The
last point or comma is the decimal one unless three digits stand behind it.
"""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# What can be chosen, the currencies of the languages we speak first.
CURRENCIES = ("EUR", "DKK", "NOK", "SEK", "PLN", "RUB", "USD", "GBP", "CHF", "CZK", "ISK", "CAD", "AUD", "JPY")
# More than anybody pays for a poster, and far less than a row can hold.
_MOST = 10**13
_GROUP = 3
_LONGEST = 24
_WRITTEN = re.compile(r"\d{1,3}(?:[ '.,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?", re.ASCII)


def checked(currency: str) -> str:
    """Return the code of a currency we know. Raises Invalid."""
    code = currency.strip().upper()
    if code not in CURRENCIES:
        raise Invalid("currency_not_known", language.text("Please choose a currency from the list."))
    return code


def parse(written: str, currency: str) -> int:
    """Return an amount in minor units. Raises Invalid for what is no amount, or finer than the currency."""
    plain = re.sub(r"\s", " ", written).strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if len(plain) > _LONGEST or not _WRITTEN.fullmatch(plain):
        raise _unreadable()
    whole, fraction = _parts(plain)
    places = precision(currency)
    if len(fraction.rstrip("0")) > places:
        raise _unreadable()
    amount = int(whole + fraction.rstrip("0").ljust(places, "0"))
    if not 0 < amount < _MOST:
        raise _unreadable()
    return amount


def _unreadable() -> Invalid:
    return Invalid("amount", language.text("Please write the amount in digits, as in 250 or 99.50."))


def _parts(plain: str) -> tuple[str, str]:
    """Return the digits before and behind the decimal sign, without what divides thousands."""
    head, sign, tail = plain.rpartition(next((char for char in reversed(plain) if char in ".,"), "\0"))
    if not sign or len(tail) == _GROUP:
        return re.sub(r"\D", "", plain), ""
    return re.sub(r"\D", "", head), tail


def precision(currency: str) -> int:
    """Return how many decimal places a currency has: two for most, none for yen."""
    return get_currency_precision(currency)


def text(amount: int, currency: str) -> str:
    """Return an amount of minor units as people of the current language write it."""
    value = Decimal(amount).scaleb(-precision(currency))
    written = format_currency(value, currency, locale=language.current())
    # Letters need room before digits (Unicode TR35, currency spacing), which Babel does not give them.
    return re.sub(r"^(\W?[A-Z]{3})(?=\d)", "\\1\N{NO-BREAK SPACE}", written)


def each(amount: int, parts: int) -> int:
    """Return an amount divided among some, in whole minor units, half a unit rounded up."""
    return (2 * amount + parts) // (2 * parts)
