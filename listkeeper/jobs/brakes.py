"""Brakes: a letter that servers refuse is looked at as soon as it may pass a threshold, not at the next round alone.

Within the ten seconds between two rounds of the timetable a fast engine hands
over tens of thousands of mails. So each look says how many more refusals there
must be until the next one can find anything (``stops.standing``), and all
workers count them down together in the queue server. A healthy letter is
looked at once and then hardly ever, however long it is; one to a bad list
within a second. A countdown that was lost is a look too many.
"""

from __future__ import annotations

from collections.abc import Sequence

import redis
from sqlalchemy import func, select

from listkeeper import parts, store
from listkeeper.foundation import log
from listkeeper.foundation.errors import TryAgain
from listkeeper.jobs import shift, steering
from listkeeper.sending.delivery import Delivery

_ROOT = "listkeeper:brakes:"
_KEPT_SECONDS = 3600
# Of all workers one looks at a letter, and none again sooner than this.
_BETWEEN_MILLISECONDS = 1000
_log = log.get(__name__)
# Letters that are to be looked at, and were a moment ago by somebody else.
_due: set[int] = set()


def look() -> None:
    """Count what was refused since this worker last looked, and look at the letters that may pass a threshold now."""
    refused = shift.refused()
    if not refused and not _due:
        return
    try:
        _count(refused)
        for number in sorted(_due):
            if parts.queue_server().set(f"{_ROOT}{number}:seen", 1, nx=True, px=_BETWEEN_MILLISECONDS):
                _look_at(number)
                _due.discard(number)
    except (redis.RedisError, TryAgain) as problem:
        # The timetable looks as well, and it was nothing but this that failed.
        _log.warning("brakes.not_looked", problem=type(problem).__name__)
        _due.clear()


def _count(refused: Sequence[int]) -> None:
    if not refused:
        return
    query = (
        select(Delivery.campaign_id, func.count())
        .where(Delivery.id.in_(refused), Delivery.campaign_id.is_not(None))
        .group_by(Delivery.campaign_id)
    )
    with store.reading() as session:
        found = [(number, count) for number, count in session.execute(query) if number is not None]
    _due.update(number for number, count in found if _move(number, -count) <= 0)


def _look_at(number: int) -> None:
    # What others count meanwhile may be in this look or not: counted again, it is a look sooner.
    before = int(parts.queue_server().get(f"{_ROOT}{number}") or 0)
    _move(number, steering.look_at(number) - before)


def _move(number: int, by: int) -> int:
    """Move a letter's countdown and return it; one that is not known stands at nothing."""
    with parts.queue_server().pipeline() as asked:
        asked.incrby(f"{_ROOT}{number}", by)
        asked.expire(f"{_ROOT}{number}", _KEPT_SECONDS)
        return int(asked.execute()[0])
