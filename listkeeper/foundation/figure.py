"""Figures as people type them: ``1.234,56`` in Copenhagen, ``1,234.56`` in London, ``0,0008`` for what a mail costs.

Read as exact fractions, never as floats. What could be read in two ways is
read as the language writes it: ``1.234`` is a thousand and more in Danish, and
a little over one in English.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from babel import Locale
from babel.numbers import format_decimal, format_percent, get_decimal_symbol

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_LONGEST = 30
# As fine as anything is priced, and far more than anybody has.
_PLACES = 8
_MOST = 10**12
_DIGITS = re.compile(r"(?P<whole>\d+)(?:\.(?P<rest>\d+))?", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
# A space or an apostrophe divides thousands: “12 500”, and never “12 5”.
_GAP = re.compile(r"(?<=\d)[\s'\N{RIGHT SINGLE QUOTATION MARK}](?=\d{3}(?!\d))")


def read(written: str, *, coarse: bool = False) -> Fraction:
    """Return the number that somebody typed in the current language. Raises Invalid for what is none.

    ``coarse`` numbers have no three decimals, so that ``12.500`` is twelve thousand in any language.
    """
    plain = written.strip() if len(written) <= _LONGEST else ""
    sign, plain = (-1, plain[1:].lstrip()) if plain[:1] in {"-", "\N{MINUS SIGN}"} else (1, plain)
    plain = _GAP.sub("", plain)
    point = _point(plain, coarse=coarse)
    # Where no sign is the decimal one, all there are divide thousands.
    group = "," if point == "." or (not point and "," in plain) else "."
    whole, dot, rest = plain.partition(point) if point else (plain, "", "")
    if group in whole:
        if not _GROUPED.fullmatch(whole.replace(group, ",")):
            raise _unreadable()
        whole = whole.replace(group, "")
    found = _DIGITS.fullmatch(f"{whole}.{rest}" if dot else whole)
    if found is None or len(found["rest"] or "") > _PLACES or int(found["whole"]) >= _MOST:
        raise _unreadable()
    return sign * Fraction(f"{found['whole']}.{found['rest'] or 0}")


def _point(plain: str, *, coarse: bool) -> str:
    """Return which sign is the decimal one, or nothing where all signs divide thousands."""
    signs = [char for char in plain if char in ".,"]
    if not signs:
        return ""
    last = signs[-1]
    if len(set(signs)) > 1 and signs.count(last) == 1:
        return last
    if len(signs) > 1:
        return ""
    own = "" if coarse else get_decimal_symbol(language.current())
    # One sign, and it is not the language's own: it divides thousands if it can, and else was meant as the point.
    return "" if last != own and _GROUPED.fullmatch(plain.replace(last, ",")) else last


def _unreadable() -> Invalid:
    return Invalid("not_a_number", language.text("Please write a number in digits, as in 250 or 99.50."))


def plain(number: Fraction) -> str:
    """Return a number as it is stored and handed to programs: digits, a point, no nought too many."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def of_plain(stored: str) -> Fraction:
    """Return what ``plain`` wrote down, or a program sent. Raises Invalid for anything else."""
    found = _DIGITS.fullmatch(stored.removeprefix("-")) if len(stored) <= _LONGEST else None
    if found is None or len(found["rest"] or "") > _PLACES or int(found["whole"]) >= _MOST:
        raise _unreadable()
    return Fraction(stored)


def text(number: Fraction, places: int = _PLACES) -> str:
    """Return a number as people of the current language type it, with so many decimals at most, half rounded up."""
    shown = Decimal(rounded(number * 10**places)).scaleb(-places)
    return format_decimal(shown, format="#,##0." + "#" * places, locale=language.current())


def percent(share: Fraction, places: int = 1) -> str:
    """Return a share of one as per cent, as people of the current language write it, half rounded up."""
    shown = Decimal(rounded(share * 10 ** (places + 2))).scaleb(-places - 2)
    pattern = Locale.parse(language.current()).percent_formats[None].pattern.replace("0", "0." + "#" * places)
    return format_percent(shown, format=pattern, locale=language.current())


def shortened(number: Fraction, places: int) -> Fraction:
    """Return a number with so many decimals at most, half rounded up."""
    return Fraction(rounded(number * 10**places), 10**places)


def rounded(number: Fraction) -> int:
    """Return the nearest whole number, half of one rounded up (-2.5 becomes -2)."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)
