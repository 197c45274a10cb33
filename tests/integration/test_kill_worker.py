"""The standing crash test: real workers are killed in the middle of a send, started again, and nobody gets it twice.

Promise 2: at any ``kill -9`` every delivery is exactly one of not sent, sent, or in doubt; those in doubt are few (at
most 32 for each worker that was killed), listed, and never sent again blindly.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, planning, progress
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.progress import Progress
from listkeeper.settings import Settings
from tests.fakes.databases import Database
from tests.fakes.queue_server import QueueServer
from tests.fakes.smtp_sink import Received, SmtpSink
from tests.makers import cafe, crowd

_ROOT = Path(__file__).resolve().parents[2]
_WORKERS = 2
_HOUSEKEEPING = ("listkeeper.jobs.housekeeping.settle_left_behind", "listkeeper.jobs.housekeeping.look_for_lost_bells")
_PATIENCE = 240.0
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start a real worker on the test's instance; what still runs at the end is killed."""
    running: list[subprocess.Popen[bytes]] = []
    environment = os.environ | {
        "LISTKEEPER_DATA": str(settings.data_folder),
        "LISTKEEPER_REDIS_URL": str(settings.redis_url),
        "LISTKEEPER_SMTP_URL": str(settings.smtp_url),
        "LISTKEEPER_PUBLIC_URL": settings.site,
    }
    if settings.database_url is not None:
        environment["LISTKEEPER_DATABASE_URL"] = settings.database_url
    diary = (tmp_path / "workers.log").open("wb")

    def begin() -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "listkeeper.cli.main", "work"]
        process = subprocess.Popen(words, cwd=_ROOT, env=environment, stdout=diary, stderr=diary)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait(10)
    diary.close()


def _send(app: Flask, count: int) -> int:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        crowd.gather(session, made, count)
        letter = cafe.draft(session, made)
        assert planning.send_campaign(session, organisation.only_one(session), letter, site="http://x.example") == count
        return letter.id


def _progress(app: Flask, letter: int) -> Progress:
    with app.app_context(), store.reading() as session:
        return progress.report(session, session.get_one(Campaign, letter))


def _keep_house(app: Flask) -> None:
    """Do what the timetable does every few seconds: through the queue, so that a worker does it."""
    with app.app_context():
        for lane, function in zip((Lane.SENDING, Lane.URGENT), _HOUSEKEEPING, strict=True):
            parts.enqueue(lane, function)


def _finished(app: Flask, letter: int) -> Callable[[], bool]:
    """Tell whether a send is done, at most every 50 ms: to count it is work that the workers would wait for."""
    asked = [0.0]

    def reached() -> bool:
        if time.monotonic() < asked[0] + 0.05:
            return False
        done = _progress(app, letter).state is CampaignState.FINISHED
        asked[0] = time.monotonic()
        return done

    return reached


def _until(app: Flask, reached: Callable[[], bool], workers: list[subprocess.Popen[bytes]]) -> None:
    deadline, house = time.monotonic() + _PATIENCE, 0.0
    while not reached():
        assert time.monotonic() < deadline, "the send stands still"
        assert [worker.poll() for worker in workers] == [None] * len(workers), "a worker ended by itself"
        if time.monotonic() > house:
            _keep_house(app)
            house = time.monotonic() + 1
        time.sleep(0.002)


@pytest.mark.whole_program
@pytest.mark.timeout(600)
def test_killed_workers_lose_nothing_and_double_nothing(  # noqa: PLR0917 - the parts of a whole machine
    app: Flask,
    database: Database,
    queue: QueueServer,
    smtp_sink: SmtpSink,
    start: Start,
    chance: random.Random,
    *,
    share: Callable[[str, int, int], int],
) -> None:
    count = share("recipients of a send whose workers are killed", 2_000, 250)
    kills = share("kills of both workers in the middle of it", 6, 2)
    letter = _send(app, count)
    smtp_sink.script("CONTENT", "250 2.0.0 kept", delay=0.003)
    killed = 0
    for number in range(kills):
        workers = [start() for _ in range(_WORKERS)]
        goal = len(smtp_sink.messages) + chance.randint(
            1, max(2, (count - len(smtp_sink.messages)) // (kills - number + 1))
        )
        _until(app, lambda goal=goal: len(smtp_sink.messages) >= goal, workers)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.02))
        killed += _kill(workers)
    assert _progress(app, letter).state is CampaignState.SENDING, "nothing was left to do, so nothing is proven"
    last = [start() for _ in range(_WORKERS)]
    _until(app, _finished(app, letter), last)
    for worker in last:
        worker.terminate()
    # One of the two may have been starting still while the other did all that was left.
    assert {worker.wait(60) for worker in last} <= {0, -signal.SIGTERM}
    _nobody_twice(app, letter, count, smtp_sink, killed)


def _kill(workers: list[subprocess.Popen[bytes]]) -> int:
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    for worker in workers:
        assert worker.wait(10) == -signal.SIGKILL
    return len(workers)


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    assert [worker.wait(30) for worker in workers] == [0] * len(workers)


def _nobody_twice(app: Flask, letter: int, count: int, sink: SmtpSink, killed: int) -> None:
    said = _progress(app, letter)
    letters = _letters(app, letter, sink)
    got = Counter(address for kept in letters for address in kept.rcpt_tos)
    doubted = set(said.in_doubt)
    assert (said.recipients, said.sent + len(doubted)) == (count, count)
    assert (said.failed, said.deferred, said.skipped, said.waiting) == (0, 0, 0, 0)
    assert {address for address, times in got.items() if times > 1} == set()
    everybody = {f"person-{number}@crowd.example" for number in range(1, count + 1)}
    assert everybody - set(got) <= doubted
    assert len(doubted) <= batch.WINDOW * killed
    with app.app_context(), store.reading() as session:
        query = select(Subscriber.email_send, Delivery.message_id).join(
            Delivery, Delivery.subscriber_id == Subscriber.id
        )
        accepted = session.execute(
            query.where(Delivery.state == DeliveryState.ACCEPTED, Delivery.campaign_id == letter)
        )
        promised = {address: name for address, name in accepted}  # noqa: C416 - rows are not pairs to mypy
    kept = {address: message.message["Message-ID"] for message in letters for address in message.rcpt_tos}
    assert promised == {address: name for address, name in kept.items() if address not in doubted}


def _letters(app: Flask, letter: int, sink: SmtpSink) -> list[Received]:
    """Return the mails that were the letter: on a slow machine, a receipt of somebody's yes leaves in between."""
    with app.app_context(), store.reading() as session:
        others = set(session.scalars(select(Delivery.message_id).where(Delivery.campaign_id.is_distinct_from(letter))))
    return [kept for kept in (*sink.messages, *sink.unanswered) if kept.message["Message-ID"] not in others]


@pytest.mark.whole_program
def test_a_worker_that_is_asked_to_stop_leaves_no_doubt(  # noqa: PLR0917 - the parts of a whole machine
    app: Flask, database: Database, queue: QueueServer, smtp_sink: SmtpSink, start: Start, chance: random.Random
) -> None:
    letter = _send(app, 150)
    smtp_sink.script("CONTENT", "250 2.0.0 kept", delay=0.005)
    for _ in range(2):
        workers = [start()]
        goal = len(smtp_sink.messages) + chance.randint(5, 40)
        _until(app, lambda goal=goal: len(smtp_sink.messages) >= goal, workers)  # type: ignore[misc]
        _stop(workers)
        said = _progress(app, letter)
        assert (said.in_doubt, said.sent) == ((), len(_letters(app, letter, smtp_sink)))
    last = [start()]
    _until(app, _finished(app, letter), last)
    _stop(last)
    letters = _letters(app, letter, smtp_sink)
    assert Counter(address for kept in letters for address in kept.rcpt_tos).most_common(1)[0][1] == 1
    assert len(letters) == 150
