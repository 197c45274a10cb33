"""RQ's worker, as this program runs it.

One process and one job at a time, without a fork for each (121 jobs a second
against 47). SIGTERM finishes what is in flight and takes nothing new. A queue
server that is away is waited for; the database keeps what is due meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from listkeeper import parts
from listkeeper.foundation import log
from listkeeper.foundation.errors import ListkeeperError
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import identity, sending, timekeeping

# Every lane is worked, in this order: a confirmation mail never waits behind a campaign.
LANES = (Lane.URGENT, Lane.SENDING, Lane.BACKGROUND)
# Shorter than the supervisor's patience, so that a worker ends itself rather than being killed.
DRAIN_SECONDS = 18.0
_ALIVE_SECONDS = 75
_LONGEST_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

_log = log.get(__name__)
Context = Callable[[], AbstractContextManager[object]]


class LaneWorker(SimpleWorker):
    """One process that works on lanes; each job runs in an application context of its own."""

    max_connection_wait_time = _LONGEST_WAIT_SECONDS
    log_result_lifespan = False

    def __init__(self, lanes: Iterable[Lane], context: Context, connection: redis.Redis) -> None:
        self.context = context
        waiting = [Queue(lane.value, connection=connection, serializer=JSONSerializer) for lane in lanes]
        super().__init__(
            waiting,
            name=identity.me(),
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=_ALIVE_SECONDS,
            log_job_description=False,
        )

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:  # noqa: ANN401 - rq's own type
        """Run one job inside the application."""
        parts.taken(job.origin, str(job.func_name), job.args)
        with self.context():
            timekeeping.look()
            return bool(super().perform_job(job, queue, execution))

    def register_birth(self) -> None:
        """Register, also after a lost connection: the name holds our pid and start, so an entry of it is our own."""
        self.connection.delete(self.key)
        super().register_birth()  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Take no commands from the queue server: signals are enough, and rq would keep a thread for them."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the job in hand; rq itself asks the queue server here, which a signal handler must not."""
        del signum, frame
        if not sending.draining.is_set():
            sending.draining.set()
            threading.Thread(target=_end_anyway, daemon=True, name="drain").start()
        self._shutdown()  # type: ignore[no-untyped-call]

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Treat a second signal as the first: what is in flight is worth its few seconds."""
        self.request_stop(signum, frame)

    def set_shutdown_requested_date(self) -> None:
        """Leave out rq's note in the queue server, for the same reason."""

    def handle_exception(self, job: Job, *exc_info: Any) -> None:  # noqa: ANN401 - rq's own types
        """Log a failed job in our own form; what may be tried again is no alarm."""
        problem = exc_info[1]
        if isinstance(problem, ListkeeperError):
            _log.warning("job.postponed", function=job.func_name, code=problem.code)
        else:
            _log.error("job.failed", function=job.func_name, exc_info=exc_info)

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,  # noqa: ANN401 - rq's own types
        exc_string: str = "",
        execution: Any = None,  # noqa: ANN401
    ) -> None:
        """Mask addresses in the traceback: the queue server keeps it on disk, where no erasure would find it."""
        super().handle_job_failure(job, queue, started_job_registry, log.mask(exc_string), execution)


def run(lanes: Iterable[Lane], context: Context) -> None:
    """Work until SIGTERM or SIGINT."""
    lanes = tuple(lanes)
    # The signal handler raises it wherever the worker waits.
    with contextlib.suppress(StopRequested):
        while not sending.draining.is_set():
            _work(lanes, context)
            sending.draining.wait(_PAUSE_SECONDS)
    sending.hang_up()
    _log.info("worker.stopped", worker=identity.me())


def _work(lanes: tuple[Lane, ...], context: Context) -> None:
    """Work until asked to stop or until the queue server is lost."""
    try:
        worker = LaneWorker(lanes, context, _connection())
        _log.info("worker.started", worker=worker.name, lanes=[lane.value for lane in lanes])
        worker.work(logging_level=None)
    except redis.RedisError as problem:
        _log.warning("worker.queue_away", problem=type(problem).__name__)


def alive(connection: redis.Redis) -> dict[str, set[str]]:
    """Return the workers that live, with their lanes."""
    return {worker.name: set(worker.lanes) for worker in parts.workers(connection)}


def _connection() -> redis.Redis:
    """Return a connection of the worker's own: rq changes its time limits to fit the long wait for a job."""
    return redis.Redis.from_url(
        parts.settings().queue, socket_connect_timeout=3, retry=Retry(ConstantBackoff(0.2), 1), health_check_interval=30
    )


def _end_anyway() -> None:
    """End this process when draining takes too long; deliveries in hand then count as in doubt."""
    time.sleep(DRAIN_SECONDS)
    _log.warning("worker.ended_while_draining", worker=identity.me())
    os._exit(128 + signal.SIGTERM)
