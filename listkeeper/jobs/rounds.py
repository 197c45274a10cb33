"""RQ's own cron, putting the periodic jobs of ``timetable`` on their lanes.

Two of these (two machines on one queue server) do no harm: a job that already
waits is not put there twice, and every periodic job may run twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import redis
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested

from listkeeper import parts
from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity

_PAUSE_SECONDS = 2.0
_log = log.get(__name__)
# What a line of the timetable says: the dotted name of a function, every how many seconds, on which lane.
Line = tuple[str, int, Lane]


class Round(CronJob):
    """One line of the timetable; rq's own would enqueue it pickled."""

    def enqueue(self, connection: redis.Redis) -> None:  # type: ignore[override] # nobody reads the job that rq returns
        """Put the job on its lane, unless it still waits there."""
        del connection
        parts.enqueue(Lane(self.queue_name), self.func_name)


def run(lines: Iterable[Line]) -> None:
    """Keep the timetable until SIGTERM or SIGINT; everything is due once at the start."""
    scheduler = CronScheduler(connection=parts.queue_server(), name=identity.me())
    scheduler.get_jobs().extend(
        Round(queue_name=lane.value, func_name=function, interval=seconds) for function, seconds, lane in lines
    )
    _log.info("timetable.started", lines=len(scheduler.get_jobs()))
    with contextlib.suppress(StopRequested):
        while not _keep(scheduler):
            time.sleep(_PAUSE_SECONDS)
    _log.info("timetable.stopped")


def alive(connection: redis.Redis) -> list[str]:
    """Return the names of the timetables that live; rq forgets one that stays silent for two minutes."""
    known = CronScheduler.all(connection)
    return sorted(scheduler.name for scheduler in known if not identity.is_dead(scheduler.name))


def _keep(scheduler: CronScheduler) -> bool:
    """Run until asked to stop (True) or until the queue server is lost (False)."""
    try:
        scheduler.start()  # type: ignore[no-untyped-call]
    except redis.RedisError as problem:
        _log.warning("timetable.queue_away", problem=type(problem).__name__)
        return False
    return True
