"""Watching: counting what waits, looking for what stands still, and sending nothing without room to write it down.

The first two run in the timetable's own process: a worker that has died, or has
too much to do, must not be the one who looks whether workers live.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import redis

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.foundation import disk, log
from listkeeper.foundation.errors import TryAgain
from listkeeper.sending import incident, planning, tally, waiting, watch, watch_words
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.watch import Outside

_log = log.get(__name__)
_memory = watch.Memory()
# Whether there was room when this process last looked.
_had_room = [True]


def count() -> None:
    """Count what waits on each lane, for those who ask often: the count itself reads every waiting row."""
    with store.reading() as session:
        numbers, long = waiting.waiting(session), tally.is_long(session)
    if long:
        with store.transaction() as session:
            tally.fold(session)
    parts.note_waiting(numbers)


def look() -> None:
    """Open and close incidents by what can be seen, and write to the owners about new ones."""
    outside = _outside()
    patience = timedelta(minutes=parts.settings().stuck_after_minutes)
    with store.reading() as session:
        seen = watch.look(session, outside, patience, _memory)
        if not watch.is_news(session, seen):
            return
    with store.transaction() as session:
        owner = organisation.maybe_one(session)
        for row in watch.write_down(session, seen):
            _log.warning("incident.told", kind=row.kind.value, incident=row.id)
            if owner is not None:
                planning.mail_incident(session, owner, row)


def _outside() -> Outside:
    settings = parts.settings()
    try:
        worked = frozenset(lane for worker in parts.workers() for lane in worker.lanes)
    except redis.RedisError:
        worked = None
    return Outside(worked, disk.free(settings.data_folder), settings.least_free_bytes)


def has_room() -> bool:
    """Return whether there is room to write down what becomes of mail; ask before each claim.

    Without room an incident says so. Where the database lies on another server its disk is not ours to measure.
    """
    settings = parts.settings()
    if settings.database_url is not None:
        return True
    free, least = disk.free(settings.data_folder), settings.least_free_bytes
    there_is = free is None or free >= least
    if there_is is not _had_room[0]:
        _had_room[0] = there_is
        # A disk that is full to the last page takes not even this: then the watch says it, or the log does.
        with contextlib.suppress(TryAgain):
            _tell_of_room(None if there_is else {"megabytes": (free or 0) // 1_000_000, "least": least // 1_000_000})
    return there_is


def _tell_of_room(facts: dict[str, int] | None) -> None:
    with store.transaction() as session:
        if facts is None:
            _log.info("disk.emptied")
            incident.over(session, IncidentKind.DISK_FULL)
        else:
            _log.warning("disk.filled", **facts)
            incident.report(session, IncidentKind.DISK_FULL, watch_words.said(IncidentKind.DISK_FULL, facts), facts)
