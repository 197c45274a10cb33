"""Quiet hours: a window in which no letter leaves, by the clocks of the business; off until its owner chooses one.

Confirmations and what somebody waits for are never held: whoever signs up at
midnight gets the mail at midnight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")
_HOUR = 60


def choose(organisation: Organisation, begins: str, ends: str) -> None:
    """Set the window, as ``21:00`` and ``08:00``; two empty times: none. Raises Invalid and changes nothing."""
    if not begins.strip() and not ends.strip():
        organisation.quiet_from = organisation.quiet_until = None
        return
    chosen = [_minutes(each) for each in (begins, ends)]
    if chosen[0] == chosen[1]:
        raise Invalid("quiet_hours", language.text("Quiet hours need two different times. Nothing was changed."))
    organisation.quiet_from, organisation.quiet_until = chosen


def _minutes(typed: str) -> int:
    found = _TIME.fullmatch(typed.strip())
    if found is None:
        raise Invalid("quiet_hours", language.text("Please write both times as 21:00. Nothing was changed."))
    return int(found[1]) * _HOUR + int(found[2])


def as_text(organisation: Organisation) -> tuple[str, str]:
    """Return both ends as a clock shows them; two empty texts when there are no quiet hours."""
    if organisation.quiet_from is None or organisation.quiet_until is None:
        return "", ""
    return _clock(organisation.quiet_from), _clock(organisation.quiet_until)


def _clock(minutes: int) -> str:
    return f"{minutes // _HOUR:02d}:{minutes % _HOUR:02d}"


def rests(session: Session, now: datetime) -> Mapping[int, datetime]:
    """Return which businesses rest at a moment, by number, and until when; asked before every claim, so it is short."""
    known = (Organisation.quiet_from.is_not(None), Organisation.quiet_until.is_not(None))
    found: dict[int, datetime] = {}
    for organisation in session.scalars(select(Organisation).where(*known)):
        zone = storefront.zone_of(session, organisation)
        if (until := _until(now, zone, organisation.quiet_from or 0, organisation.quiet_until or 0)) is not None:
            found[organisation.id] = until
    return found


def _until(now: datetime, zone: str, begins: int, ends: int) -> datetime | None:
    """Return when the window ends in which a moment lies, if it lies in it; it may go on past midnight."""
    there = now.astimezone(ZoneInfo(zone))
    minute = there.hour * _HOUR + there.minute
    inside = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    if not inside:
        return None
    midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
    days = 1 if begins > ends and minute >= begins else 0
    # By the clock on the wall: in the night in which it changes, the morning still begins at eight.
    wall = (midnight + timedelta(days=days)).replace(hour=ends // _HOUR, minute=ends % _HOUR)
    return wall.astimezone(UTC)
