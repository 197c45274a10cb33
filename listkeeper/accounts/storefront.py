"""What a business shows beside its form: telephone, opening hours, the way to it, and where else it is found.

These are facts of today, like the name over the door: they are no part of
what anybody agrees to, so a form's version says only which of them it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import opening_hours
from listkeeper.accounts.opening_hours import Hours
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table
from listkeeper.standards import web_address

# What is offered to begin with, by the language the business speaks; its owner sees it and may choose another.
_ZONES = {
    "da": "Europe/Copenhagen", "nb": "Europe/Oslo", "sv": "Europe/Stockholm", "pl": "Europe/Warsaw",
    "ru": "Europe/Moscow", "de": "Europe/Berlin", "en": "Europe/London",
}  # fmt: skip
_FEWEST_DIGITS, _MOST_DIGITS = 5, 15
_PHONE = re.compile(r"\+?[0-9 ()./\-\u2013\u00a0]+")
_TRUNK_ZERO = re.compile(r"\(0\)")
_DEGREES = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,8})?)°?\s*[,;\s]\s*(-?[0-9]{1,3}(?:\.[0-9]{1,8})?)°?")
_LINKS = 10
_PLACE_LIMIT, _HOLIDAYS_LIMIT, _PHONE_LIMIT = 300, 200, 40


class Storefront(Table):
    """The facts of one business."""

    __tablename__ = "storefront"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), unique=True)
    # As its owner writes it; ``dialled`` is what a telephone is told.
    phone: Mapped[str] = mapped_column(String(40))
    time_zone: Mapped[str] = mapped_column(String(64))
    hours: Mapped[dict[str, Any]] = mapped_column(columns.Json)
    holidays: Mapped[str] = mapped_column(String(200))
    # Where to go: in words, or to the metre as ``55.676100,12.568300``.
    place: Mapped[str] = mapped_column(String(300))
    coordinates: Mapped[str] = mapped_column(String(40))
    links: Mapped[list[str]] = mapped_column(columns.Json)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def opening(self) -> Hours:
        """The hours as a value."""
        return Hours.of(self.hours)

    def wall_clock(self, moment: datetime) -> datetime:
        """Return what the clock on the wall of the shop shows at a moment."""
        return moment.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)


@dataclass(frozen=True)
class Facts:
    """What an owner types, read and found right."""

    phone: str
    time_zone: str
    hours: Hours
    holidays: str
    place: str
    coordinates: str
    links: tuple[str, ...]


def of(session: Session, organisation: Organisation) -> Storefront | None:
    """Return the facts of a business, None as long as it has told none."""
    return session.scalars(select(Storefront).where(Storefront.organisation_id == organisation.id)).first()


def zone_for(organisation: Organisation) -> str:
    """Return the time zone to offer first."""
    return _ZONES[language.known(organisation.language)]


def zone_of(session: Session, organisation: Organisation) -> str:
    """Return the time zone a business lives in: the one it told, or the one to offer first."""
    told = of(session, organisation)
    return told.time_zone if told is not None else zone_for(organisation)


def read(organisation: Organisation, typed: Mapping[str, str]) -> Facts:
    """Return what was typed as facts; raises Invalid and names what is wrong."""
    zone = typed.get("time_zone", "") or zone_for(organisation)
    if zone not in available_timezones():
        raise Invalid("time_zone", language.text("Please choose the time zone of your business."))
    today = clock.now().astimezone(ZoneInfo(zone)).date()
    return Facts(
        phone=_phone(typed.get("phone", "")),
        time_zone=zone,
        hours=opening_hours.read(typed, today=today),
        holidays=_short(typed.get("holidays", ""), _HOLIDAYS_LIMIT),
        place=_short(typed.get("place", ""), _PLACE_LIMIT),
        coordinates=_coordinates(typed.get("coordinates", "")),
        links=_links(typed.get("links", "")),
    )


def tell(session: Session, organisation: Organisation, facts: Facts) -> Storefront:
    """Store the facts, all of them; every form that shows one shows it from now on."""
    # The row of the business is always there: two first saves wait for each other on it.
    session.refresh(organisation, with_for_update=True)
    kept = of(session, organisation)
    if kept is None:
        kept = Storefront(organisation_id=organisation.id)
        session.add(kept)
    kept.phone, kept.time_zone, kept.holidays = facts.phone, facts.time_zone, facts.holidays
    kept.hours, kept.links = facts.hours.as_json(), list(facts.links)
    kept.place, kept.coordinates = facts.place, facts.coordinates
    kept.changed_at = clock.now()
    session.flush()
    return kept


def dialled(phone: str) -> str:
    """Return the digits a telephone is told (RFC 3966), without what people write between them."""
    digits = re.sub(r"[^0-9+]", "", _TRUNK_ZERO.sub("", phone))
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _phone(typed: str) -> str:
    written = " ".join(typed.split())
    if not written:
        return ""
    digits = dialled(written).removeprefix("+")
    if (
        len(written) > _PHONE_LIMIT
        or not _PHONE.fullmatch(written)
        or not _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS
    ):
        raise Invalid("phone", language.text("Please write the telephone number with its country, as +45 12 34 56 78."))
    return written


def _short(typed: str, limit: int) -> str:
    written = " ".join(typed.split())
    if len(written) > limit or not written.isprintable():
        raise Invalid(
            "too_long", language.text("“%(words)s…” is too long here. Please shorten it.", words=written[:30])
        )
    return written


def _coordinates(typed: str) -> str:
    if not typed.strip():
        return ""
    found = _DEGREES.fullmatch(typed.strip())
    north, east = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if found is None or abs(north) > 90 or abs(east) > 180:  # noqa: PLR2004 - the poles, and once around
        raise Invalid("coordinates", language.text("Please write the place as two numbers, as 55.6761, 12.5683."))
    return f"{north:.6f},{east:.6f}"


def _links(typed: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for line in typed.split():
        address = web_address.https(line)
        if address is None:
            sentence = language.text("“%(link)s” is no web address that starts with https://.", link=line[:60])
            raise Invalid("link", sentence)
        found[address] = None
    if len(found) > _LINKS:
        raise Invalid("links", language.text("Please name %(number)s links at most.", number=_LINKS))
    return tuple(found)
