"""When a business is open: hours of each weekday, days on which it is shut all the same, and whether it is open now.

Everything is said in the business's own wall-clock time, as on the sign at its
door. A time of closing that is not later than the one of opening belongs to the
next day: a bar from 18:00 to 02:00.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from babel.dates import get_day_names

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A pause at noon, and that is enough for anybody's sign.
SPANS_A_DAY = 2
_WHOLE_DAY = 24 * 60
_TIME = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])|24[:.]00")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHUT_DAYS = 40
# How far to look for the next door that opens; further ahead nothing is promised.
_AHEAD = 15


@dataclass(frozen=True, order=True)
class Span:
    """From one minute of a day to another, which may lie on the next day."""

    opens: int
    shuts: int

    @property
    def as_text(self) -> tuple[str, str]:
        """Both ends as a clock shows them."""
        return _clock(self.opens), _clock(self.shuts % _WHOLE_DAY)


@dataclass(frozen=True)
class Standing:
    """Whether the door is open, and when that changes next, in wall-clock time; None: not within a fortnight."""

    open: bool
    until: datetime | None


@dataclass(frozen=True)
class Hours:
    """The spans of each weekday from Monday on, and the dates on which it stays shut."""

    days: tuple[tuple[Span, ...], ...] = ((),) * 7
    shut: frozenset[date] = frozenset()

    def __bool__(self) -> bool:
        """Say whether any hour is given at all."""
        return any(self.days)

    @classmethod
    def of(cls, stored: Mapping[str, Sequence[object]]) -> Self:
        """Read what ``as_json`` made."""
        days = tuple(
            tuple(Span(*each) for each in stored.get(name, ()))  # type: ignore[misc]
            for name in DAYS
        )
        return cls(days, frozenset(date.fromisoformat(str(each)) for each in stored.get("shut", ())))

    def as_json(self) -> dict[str, list[object]]:
        """Return the hours as they are stored."""
        kept: dict[str, list[object]] = {
            name: [[span.opens, span.shuts] for span in spans]
            for name, spans in zip(DAYS, self.days, strict=True)
            if spans
        }
        if self.shut:
            kept["shut"] = [each.isoformat() for each in sorted(self.shut)]
        return kept

    def standing(self, now: datetime) -> Standing:
        """Return whether it is open at a moment of wall-clock time."""
        spans = [span for span in self._spans(now.date()) if span[1] > now]
        if not spans:
            return Standing(open=False, until=None)
        opens, shuts = spans[0]
        if opens > now:
            return Standing(open=False, until=opens)
        for following, end in spans[1:]:
            # Two spans that touch are one: open from eight to midnight, and on from midnight.
            if following > shuts:
                break
            shuts = max(shuts, end)
        return Standing(open=True, until=shuts if shuts < now + timedelta(days=_AHEAD - 2) else None)

    def _spans(self, today: date) -> Iterator[tuple[datetime, datetime]]:
        for distance in range(-1, _AHEAD):
            day = today + timedelta(days=distance)
            if day in self.shut:
                continue
            midnight = datetime.combine(day, time())
            for span in self.days[day.weekday()]:
                yield midnight + timedelta(minutes=span.opens), midnight + timedelta(minutes=span.shuts)


def read(typed: Mapping[str, str], *, today: date) -> Hours:
    """Return the hours that were typed: ``mon_opens``, ``mon_shuts``, ``mon_opens_2`` …, and ``shut`` with dates.

    Raises Invalid with the weekday's name for half a span, for what is no time, and for spans that overlap.
    """
    days = tuple(tuple(_spans_of(typed, place)) for place in range(len(DAYS)))
    for place, spans in enumerate(days):
        earlier = max((span.shuts - _WHOLE_DAY for span in days[place - 1]), default=0)
        for span in spans:
            if span.opens < earlier:
                raise Invalid("hours_overlap", language.text("The hours on %(day)s overlap.", day=_day(place)))
            earlier = span.shuts
    return Hours(days, frozenset(_dates(typed.get("shut", ""), today)))


def _spans_of(typed: Mapping[str, str], place: int) -> Iterator[Span]:
    found = []
    for number in range(1, SPANS_A_DAY + 1):
        tail = f"_{number}" if number > 1 else ""
        opens, shuts = (typed.get(f"{DAYS[place]}_{end}{tail}", "").strip() for end in ("opens", "shuts"))
        if not opens and not shuts:
            continue
        if not opens or not shuts:
            raise Invalid("hours_half", language.text("On %(day)s one of two times is missing.", day=_day(place)))
        start, end = _minutes(opens, place) % _WHOLE_DAY, _minutes(shuts, place)
        found.append(Span(start, end if end > start else end + _WHOLE_DAY))
    yield from sorted(found)


def _minutes(typed: str, place: int) -> int:
    if not (found := _TIME.fullmatch(typed)):
        raise Invalid("hours_unreadable", language.text("Please write the times of %(day)s as 9:30.", day=_day(place)))
    return int(found[1]) * 60 + int(found[2]) if found[1] else _WHOLE_DAY


def _dates(typed: str, today: date) -> Iterator[date]:
    named = re.split(r"[\s,;]+", typed.strip()) if typed.strip() else []
    try:
        days = [date.fromisoformat(each) for each in named if _DATE.fullmatch(each)]
    except ValueError:
        days = []
    if len(days) != len(named) or len(days) > _SHUT_DAYS:
        raise Invalid("shut_unreadable", language.text("Please write the days you are shut as 2026-12-24, one a line."))
    yield from (day for day in days if day >= today)


def _day(place: int) -> str:
    names: Mapping[int, str] = get_day_names("wide", locale=language.current())
    return names[place]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
