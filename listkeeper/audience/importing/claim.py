"""What a row claims about a person's consent, and whether that is enough to be believed.

Enough is: when (day and time of day), where, how, and under which words, and
the confirmation too where the rules ask for double opt-in. What is missing, in
the future or contradicts itself is no evidence; the row is kept, and nobody is
written to because of it. A claim is the word of whoever imports, and is never
called our own record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from listkeeper.audience.importing import moments
from listkeeper.audience.importing.moments import DateOrder, Moment
from listkeeper.audience.importing.sources import Recognised
from listkeeper.foundation import clock

_LONGEST = 500


class Gap(StrEnum):
    """What a claim lacks."""

    NO_BASIS = "no_basis"
    STATUS = "status"
    SOURCE = "source"
    NO_TIME = "no_time"
    UNREADABLE_TIME = "unreadable_time"
    NO_TIME_OF_DAY = "no_time_of_day"
    FUTURE = "future"
    BEFORE_REQUEST = "before_request"
    NO_CONFIRMATION = "no_confirmation"
    SAME_MOMENT = "same_moment"
    NO_ORIGIN = "no_origin"
    NO_METHOD = "no_method"
    NO_TEXT = "no_text"


@dataclass(frozen=True)
class Statement:
    """What the importing person states about the whole file, and what the rules ask of each row."""

    consent: bool
    origin: str
    method: str
    text: str
    doi_required: bool
    order: DateOrder | None
    now: datetime


class Claim(NamedTuple):
    """What one row says. ``gap`` is None when it is enough; times are milliseconds UTC, 0 when there are none."""

    gap: Gap | None
    requested_at: int
    confirmed_at: int
    told: dict[str, str]

    @property
    def consented_at(self) -> int:
        """When the person agreed: the confirmation where there is one."""
        return self.confirmed_at or self.requested_at


def read(recognised: Recognised, cells: Sequence[str], stated: Statement) -> Claim:
    """Weigh what a row says about consent."""
    told = {name: value[:_LONGEST] for name, index in recognised.claims if (value := cells[index].strip())}
    requested_text, confirmed_text = told.get("requested_at", ""), told.get("confirmed_at", "")
    requested = moments.read(requested_text, stated.order) if requested_text else None
    confirmed = moments.read(confirmed_text, stated.order) if confirmed_text else None
    gap = _gap_of_times(told, requested, confirmed, stated) or _gap_of_words(recognised, told, stated)
    asked = clock.in_milliseconds(requested.at) if requested is not None else 0
    return Claim(gap, asked, clock.in_milliseconds(confirmed.at) if confirmed is not None else 0, told)


def _gap_of_times(  # noqa: PLR0911 - one answer a rule
    told: dict[str, str], requested: Moment | None, confirmed: Moment | None, stated: Statement
) -> Gap | None:
    if (requested is None and "requested_at" in told) or (confirmed is None and "confirmed_at" in told):
        return Gap.UNREADABLE_TIME
    given = confirmed or requested
    if given is None:
        return Gap.NO_TIME
    if not given.has_time:
        return Gap.NO_TIME_OF_DAY
    if given.at > stated.now or (requested is not None and requested.at > stated.now):
        return Gap.FUTURE
    if requested is not None and confirmed is not None:
        if confirmed.at < requested.at:
            return Gap.BEFORE_REQUEST
        if confirmed.at == requested.at and "requested_ip" not in told and "confirmed_ip" not in told:
            # Mailchimp writes one moment twice for people who were added by hand or by a file.
            return Gap.SAME_MOMENT
    return Gap.NO_CONFIRMATION if confirmed is None and stated.doi_required else None


def _gap_of_words(recognised: Recognised, told: dict[str, str], stated: Statement) -> Gap | None:
    if not stated.consent:
        return Gap.NO_BASIS
    if recognised.source.proves_nothing:
        return Gap.SOURCE
    if not (told.get("origin") or stated.origin):
        return Gap.NO_ORIGIN
    if not (told.get("method") or stated.method):
        return Gap.NO_METHOD
    return None if told.get("text") or stated.text else Gap.NO_TEXT
