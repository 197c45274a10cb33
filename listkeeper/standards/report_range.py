"""The time a report says it is about, and whether that can be."""

from __future__ import annotations

from datetime import datetime, timedelta

from listkeeper.foundation import language
from listkeeper.standards.packed_report import Limits, Refused

# Clocks of receivers differ from ours, and some report a day before it has ended.
_AHEAD = timedelta(days=2)


def check(begin: datetime, end: datetime, limits: Limits, now: datetime | None) -> tuple[datetime, datetime]:
    """Return both moments (aware); without ``now``, days to come are not told from others.

    Raises Refused (``date_range``) for a time that ends before it begins, is
    longer than the limit, or is still to come.
    """
    if end < begin:
        raise Refused("date_range", language.text("The time that it is about ends before it begins."))
    if end - begin > timedelta(days=limits.days):
        raise Refused("date_range", language.text("The time that it is about is longer than that of any report."))
    if now is not None and end > now + _AHEAD:
        raise Refused("date_range", language.text("It is about days that are still to come."))
    return begin, end
