"""The end of every letter: who writes, where they are, why you get it, and the way out.

The layout prints it outside the place where the owner writes, so no letter is
without it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date

from listkeeper.foundation import language
from listkeeper.rendering.content import Sender

# Day before month with the month in letters: read alike by every English speaker.
_ENGLISH_DATE = "d MMMM y"


def reason(said_yes_at: datetime, place: str, language_code: str, zone: str = "UTC") -> str:
    """Return why someone gets a letter, such as "You get this because you said yes on 12 May 2026 on our website."."""
    with language.using(language_code) as spoken:
        date = _day(said_yes_at, spoken, zone)
        return language.text("You get this because you said yes on %(date)s on %(place)s.", date=date, place=place)


def claimed(since: datetime, sender: str, language_code: str, zone: str = "UTC") -> str:
    """Return the same for somebody who came with a file: what the sender states, and nothing that was seen here."""
    with language.using(language_code) as spoken:
        date = _day(since, spoken, zone)
        return language.text(
            "You get this because, as %(sender)s states, you said yes on %(date)s.", sender=sender, date=date
        )


def came_back(at: datetime, language_code: str, zone: str = "UTC") -> str:
    """Return the same for somebody who left and took it back within the hour."""
    with language.using(language_code) as spoken:
        return language.text("You get this because you came back on %(date)s.", date=_day(at, spoken, zone))


def _day(moment: datetime, spoken: str, zone: str) -> str:
    day = moment.astimezone(ZoneInfo(zone)).date()
    return format_date(day, _ENGLISH_DATE if spoken == language.DEFAULT else "long", locale=spoken)


def imprint(sender: Sender) -> list[str]:
    """Return the legal name of a sender and the lines of the postal address."""
    return imprint_lines(sender.legal_name, sender.postal_address)


def imprint_lines(legal_name: str, postal_address: str) -> list[str]:
    """Return a legal name and the lines of a postal address, without what is empty."""
    return [line.strip().rstrip(",") for line in (legal_name, *postal_address.splitlines()) if line.strip()]
