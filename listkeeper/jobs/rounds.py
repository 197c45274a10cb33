"""RQ's own cron, putting the periodic jobs of ``timetable`` on their lanes.

Two of these (two machines on one queue server) do no harm: a job that already
waits is not put there twice, and every periodic job may run twice.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Iterable

import redis
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested
from rq.utils import now

from listkeeper import parts
from listkeeper.foundation import log
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity

_PAUSE_SECONDS = 2.0
_log = log.get(__name__)
# What a line of the timetable says: the dotted name of a function, every how many seconds, on which lane.
Line = tuple[str, int, Lane]
# And a line of what it does itself: no lane.
OwnLine = tuple[str, int]
_NOBODY = "timetable"


class Round(CronJob):
    """One line of the timetable; rq's own would enqueue it pickled."""

    def enqueue(self, connection: redis.Redis) -> None:  # type: ignore[override] # nobody reads the job that rq returns
        """Put the job on its lane, unless it still waits there."""
        del connection
        parts.enqueue(Lane(self.queue_name), self.func_name)


class OwnRound(CronJob):
    """One line of what the timetable does itself, whoever else is away."""

    def enqueue(self, connection: redis.Redis) -> None:  # type: ignore[override] # nobody reads the job that rq returns
        """Do it now; what goes wrong must not keep the other lines waiting."""
        del connection
        module, _, function = self.func_name.rpartition(".")
        try:
            getattr(importlib.import_module(module), function)()
        except StopRequested:
            raise
        except (ListkeeperError, redis.RedisError) as problem:
            _log.warning("timetable.round_postponed", function=function, problem=type(problem).__name__)
        except Exception:  # noqa: BLE001 - one bad round must not stop the timetable
            _log.exception("timetable.round_failed", function=function)


def run(lines: Iterable[Line], own: Iterable[OwnLine] = ()) -> None:
    """Keep the timetable until SIGTERM or SIGINT; everything is due once at the start."""
    scheduler = CronScheduler(connection=parts.queue_server(), name=identity.me())
    scheduler.get_jobs().extend(
        Round(queue_name=lane.value, func_name=function, interval=seconds) for function, seconds, lane in lines
    )
    scheduler.get_jobs().extend(
        OwnRound(queue_name=_NOBODY, func_name=function, interval=seconds) for function, seconds in own
    )
    _log.info("timetable.started", lines=len(scheduler.get_jobs()))
    with contextlib.suppress(StopRequested):
        while not _keep(scheduler):
            time.sleep(_PAUSE_SECONDS)
    _log.info("timetable.stopped")


def alive(connection: redis.Redis) -> list[str]:
    """Return the names of the timetables that live."""
    return parts.timetables(connection)


def _keep(scheduler: CronScheduler) -> bool:
    """Run until asked to stop (True) or until the queue server is lost (False)."""
    try:
        scheduler.start()  # type: ignore[no-untyped-call]
    except redis.RedisError as problem:
        _log.warning("timetable.queue_away", problem=type(problem).__name__)
        _do_own(scheduler)
        return False
    return True


def _do_own(scheduler: CronScheduler) -> None:
    """Without the queue server nobody works, and who watches goes on watching."""
    moment = now()
    for line in scheduler.get_jobs():
        if isinstance(line, OwnRound) and line.should_run():
            line.enqueue(scheduler.connection)
            line.set_enqueue_time(moment)
