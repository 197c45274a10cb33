"""Days as a segment counts them: from midnight by the clock of the business, and right on the days it is changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Calendar:
    """A moment, seen from a time zone."""

    now: datetime
    zone: str

    @property
    def today(self) -> date:
        """The day it is there."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def midnight(self, day: date) -> datetime:
        """Return when a day begins there, in UTC."""
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    def ago(self, days: int) -> datetime:
        """Return when the day that many days ago began; 0: today."""
        return self.midnight(self.today - timedelta(days=days))

    def ahead(self, days: int) -> datetime:
        """Return when the day that many days ahead is over."""
        return self.midnight(self.today + timedelta(days=days + 1))
