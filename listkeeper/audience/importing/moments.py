"""Times as other tools write them: read into UTC, and never guessed.

A day without a time of day is a day (``has_time`` is false). ``03/04/2024`` may
be March or April: who reads such a column must say which, after asking. A time
without a zone is taken as UTC, because none of these tools says which it means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple


class DateOrder(StrEnum):
    """Which number of 03/04/2024 is the day."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


class Moment(NamedTuple):
    """A point in time; without ``has_time`` only its day is known."""

    at: datetime
    has_time: bool


_DAY_LENGTH, _COMPACT_DAY, _PLAIN_LENGTH = 10, 8, 19
_EPOCH = {10: 1, 13: 1000}
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# 2024-07-29 11:01:31.478677 +0530 IST, and Go's monotonic clock after it.
_GO = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?) ?([+-]\d\d):?(\d\d)(?: [A-Za-z0-9+-]{2,5})?(?: m=\S+)?"
)
_NAMED_ZONE = re.compile(r"(.+?) ?(?:UTC|GMT|Z)")
_CLOCK = r"(?:[ T,]+(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d+)?)? ?([AaPp]\.?[Mm]\.?)?)?(?: ?(?:UTC|GMT|Z))?"
_SLASHED = re.compile(rf"(\d{{1,2}})([/\-.])(\d{{1,2}})\2(\d{{4}}|\d\d){_CLOCK}")
_BIG_FIRST = re.compile(rf"(\d{{4}})[/.](\d{{1,2}})[/.](\d{{1,2}}){_CLOCK}")
_WORDED = re.compile(
    rf"(?:(\d{{1,2}})\.? ?([^\W\d_]{{3,10}})\.?|([^\W\d_]{{3,10}})\.? (\d{{1,2}})(?:st|nd|rd|th)?),? (\d{{4}}){_CLOCK}"
)
_MONTHS_OF_A_YEAR = 12
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_OTHER_MONTHS = {"maj": 5, "mai": 5, "mär": 3, "okt": 10, "dez": 12, "des": 12, "mars": 3, "juni": 6, "juli": 7}


def read(text: str, order: DateOrder | None = None) -> Moment | None:
    """Return the moment a cell names; None when it names none, or two (an unasked order)."""
    text = text.strip()
    length = len(text)
    if length == _PLAIN_LENGTH and text[13] == text[16] == ":":
        # 2024-03-01 10:00:00 is what most tools write; read with its zone, it takes a third of the time.
        zoned = f"{text}+00:00"
    elif length != _COMPACT_DAY and text.isdigit():
        return _of_epoch(text)
    else:
        zoned = text
    try:
        found = datetime.fromisoformat(zoned)
    except ValueError:
        return _plausible(_otherwise(text, order))
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    timed = length > _DAY_LENGTH
    return Moment(found, timed) if found >= _EARLIEST else None


def _of_epoch(text: str) -> Moment | None:
    parts = _EPOCH.get(len(text))
    return _plausible(Moment(datetime.fromtimestamp(int(text) / parts, UTC), has_time=True)) if parts else None


def _plausible(found: Moment | None) -> Moment | None:
    """Drop what a zero or a slip in the year left behind: nobody subscribed to a newsletter then."""
    return found if found is not None and found.at >= _EARLIEST else None


def _otherwise(text: str, order: DateOrder | None) -> Moment | None:
    if match := _GO.fullmatch(text):
        return _zoned(match[1].replace(",", "."), match[2], match[3])
    if match := _BIG_FIRST.fullmatch(text):
        return _made(match[1], match[2], match[3], match.groups()[3:])
    if match := _SLASHED.fullmatch(text):
        return _slashed(match, order)
    if match := _WORDED.fullmatch(text):
        month = _month(match[2] or match[3])
        return _made(match[5], str(month), match[1] or match[4], match.groups()[5:]) if month else None
    if match := _NAMED_ZONE.fullmatch(text):
        return read(match[1], order)
    return _of_mail(text)


def _zoned(text: str, hours: str, minutes: str) -> Moment | None:
    try:
        found = datetime.fromisoformat(text)
        offset = timedelta(hours=int(hours), minutes=int(minutes) * (-1 if hours.startswith("-") else 1))
        return Moment(found.replace(tzinfo=timezone(offset)).astimezone(UTC), has_time=True)
    except (ValueError, OverflowError):
        return None


def _slashed(match: re.Match[str], order: DateOrder | None) -> Moment | None:
    first, second = int(match[1]), int(match[3])
    # With points the day comes first wherever they are used; above twelve, no order needs to be asked.
    if match[2] == "." or first > _MONTHS_OF_A_YEAR or (order is DateOrder.DAY_FIRST and second <= _MONTHS_OF_A_YEAR):
        day, month = match[1], match[3]
    elif second > _MONTHS_OF_A_YEAR or order is DateOrder.MONTH_FIRST or first == second:
        day, month = match[3], match[1]
    else:
        return None
    year = match[4] if len(match[4]) > len("24") else f"20{match[4]}"
    return _made(year, month, day, match.groups()[4:])


def _made(year: str, month: str, day: str, clock: tuple[str | None, ...]) -> Moment | None:
    hour, minute, second, half = clock
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half[0] in "Pp" else 0)
    try:
        at = datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
    return Moment(at, has_time=hour is not None)


def _month(word: str) -> int | None:
    low = word.lower()
    if low in _OTHER_MONTHS:
        return _OTHER_MONTHS[low]
    short = low[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else _OTHER_MONTHS.get(short)


def _of_mail(text: str) -> Moment | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return Moment(found if found.tzinfo else found.replace(tzinfo=UTC), has_time=":" in text)


def is_ambiguous(text: str) -> bool:
    """Return whether a cell reads as two different days."""
    match = _SLASHED.fullmatch(text.strip())
    if match is None or match[2] == ".":
        return False
    first, second = int(match[1]), int(match[3])
    return max(first, second) <= _MONTHS_OF_A_YEAR and first != second


def order_of(cells: Iterable[str]) -> DateOrder | None:
    """Return the order that a column shows by a number above twelve; None when none does, or both."""
    found = set()
    for cell in cells:
        match = _SLASHED.fullmatch(cell.strip())
        if match and match[2] != ".":
            if int(match[1]) > _MONTHS_OF_A_YEAR:
                found.add(DateOrder.DAY_FIRST)
            elif int(match[3]) > _MONTHS_OF_A_YEAR:
                found.add(DateOrder.MONTH_FIRST)
    return found.pop() if len(found) == 1 else None
