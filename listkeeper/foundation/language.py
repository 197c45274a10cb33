"""Words for people, in their language: gettext on Babel, below the web.

Interface words, mails and findings all come from here, because mails are made
where no request exists. Consent texts are not here: they are versioned rows.
English sentences are the message ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

LANGUAGES = ("en", "da", "nb", "sv", "pl", "ru", "de")
DEFAULT = "en"
DOMAIN = "listkeeper"
# Below one in a hundred a second decimal says something.
_SMALL_SHARE = 0.01
FOLDER = Path(__file__).resolve().parent.parent / "translations"

_current: ContextVar[str] = ContextVar("language", default=DEFAULT)


def known(code: str | None) -> str:
    """Return ``code`` if we speak it (``no`` is Norwegian Bokmål), else English."""
    short = (code or "").replace("_", "-").split("-")[0].lower()
    short = {"no": "nb", "nn": "nb"}.get(short, short)
    return short if short in LANGUAGES else DEFAULT


def best_of(accept_language: str) -> str:
    """Return the first language of an Accept-Language header that we speak."""
    for part in accept_language.split(","):
        code = part.split(";")[0].strip()
        if code and (known(code) != DEFAULT or code.lower().startswith(DEFAULT)):
            return known(code)
    return DEFAULT


def current() -> str:
    """Return the language in use here and now."""
    return _current.get()


@contextmanager
def using(code: str | None) -> Iterator[str]:
    """Speak a language within the block."""
    token = _current.set(known(code))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


@cache
def catalogue(code: str) -> NullTranslations:
    """Return the gettext catalogue of a language (English needs none)."""
    return Translations.load(FOLDER, [code], DOMAIN)


def text(message: str, /, **values: object) -> str:
    """Translate a sentence and fill its ``%(name)s`` places."""
    translated = catalogue(current()).ugettext(message)
    return translated % values if values else translated


def counted(one: str, many: str, number: int, /, **values: object) -> str:
    """Translate with the right plural form; ``%(number)s`` is filled in."""
    return catalogue(current()).ungettext(one, many, number) % {"number": number, **values}


def direction(code: str) -> str:
    """Return ``ltr`` or ``rtl`` for a language code."""
    return "rtl" if Locale.parse(code).text_direction == "rtl" else "ltr"


def listed(names: Sequence[str]) -> str:
    """Return some names as one: “A”, “A and B”, “A, B, and C”, as the current language puts them together."""
    return format_list(list(names), locale=current())


def moment(value: datetime, zone: str = "UTC") -> str:
    """Return a date and time as people of the current language write it."""
    return format_datetime(value, "medium", tzinfo=ZoneInfo(zone), locale=current())


def appointment(value: datetime, zone: str) -> str:
    """Return a moment as people name one that is to come, with its weekday and the zone of its clock."""
    there = ZoneInfo(zone)
    day_of_it = format_date(value.astimezone(there), "full", locale=current())
    return f"{day_of_it}, {format_time(value, 'short', tzinfo=there, locale=current())} ({zone})"


def span(length: timedelta, *, ahead: bool = False) -> str:
    """Return a length of time in one round unit, such as “9 minutes”; ``ahead``: “in 9 minutes”."""
    return format_timedelta(length, granularity="minute", add_direction=ahead, locale=current())


def day(value: date) -> str:
    """Return a date as people of the current language write it."""
    return format_date(value, "medium", locale=current())


def month(value: date) -> str:
    """Return a month with its year, in short, as people of the current language write it."""
    return format_skeleton("yMMM", value, locale=current())


def number(value: int) -> str:
    """Return a number with its thousands divided as people of the current language do."""
    return format_decimal(value, locale=current())


def roughly(value: int) -> str:
    """Return a measured number with its first two digits only: what the others say is gone before it is read."""
    return number(round(value, 2 - len(str(value))))


def decimal(value: float) -> str:
    """Return a measured number with one decimal, as people of the current language write it."""
    return format_decimal(value, format="0.0", locale=current())


def share(per_mille: int) -> str:
    """Return thousandths as per cent, with one decimal where there is one."""
    pattern = Locale.parse(current()).percent_formats[None].pattern.replace("0", "0.#")
    return format_percent(Decimal(per_mille) / 1000, format=pattern, locale=current())


def fine_share(value: float) -> str:
    """Return a share (0 to 1) as per cent, with two decimals where it is small and one where it is not."""
    decimals = "0.##" if value < _SMALL_SHARE else "0.#"
    pattern = Locale.parse(current()).percent_formats[None].pattern.replace("0", decimals)
    return format_percent(Decimal(str(round(value, 6))), format=pattern, locale=current())
