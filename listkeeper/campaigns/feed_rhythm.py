"""When a feed is looked at: every day or once a week, at an hour by the clocks of the business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_HOURS, _DAYS = 24, 7


class Cadence(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True)
class Rhythm:
    """A rhythm; ``weekday`` is 0 for Monday, and counts once a week only."""

    cadence: Cadence
    weekday: int
    hour: int

    def after(self, moment: datetime, zone: str) -> datetime:
        """Return its first turn after a moment."""
        return next(turn for day in range(_DAYS + 2) if (turn := self._turn(moment, zone, day)) and turn > moment)

    def before(self, moment: datetime, zone: str) -> datetime:
        """Return its last turn up to a moment."""
        return next(turn for day in range(_DAYS + 2) if (turn := self._turn(moment, zone, -day)) and turn <= moment)

    def _turn(self, moment: datetime, zone: str, days: int) -> datetime | None:
        """Return its turn on the day so many days from that of a moment, if it has one then."""
        clocks = ZoneInfo(zone)
        day = moment.astimezone(clocks).date() + timedelta(days=days)
        if self.cadence is Cadence.WEEKLY and day.weekday() != self.weekday:
            return None
        # An hour that the clocks leap over in spring comes when they have.
        return datetime.combine(day, time(self.hour), clocks).astimezone(UTC)


def read(cadence: str, weekday: str, hour: str) -> Rhythm:
    """Return a rhythm as it was typed. Raises Invalid."""
    try:
        made = Rhythm(Cadence(cadence), int(weekday or 0), int(hour))
    except ValueError:
        raise _unreadable() from None
    if not (0 <= made.weekday < _DAYS and 0 <= made.hour < _HOURS):
        raise _unreadable()
    return made


def _unreadable() -> Invalid:
    sentence = language.text("Please say how often the feed is looked at, and at which hour. Nothing was changed.")
    return Invalid("feed_rhythm", sentence)
