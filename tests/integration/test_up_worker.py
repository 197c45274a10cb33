"""A worker takes the urgent first, finishes what it holds, comes back to a lost queue; rounds are kept."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from rq.registry import FailedJobRegistry

from listkeeper import parts
from listkeeper.cli import supervisor_queue
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import rounds, worker
from listkeeper.settings import Settings
from tests.fakes.queue_server import QueueServer

pytestmark = pytest.mark.whole_program

_ROOT = Path(__file__).resolve().parents[2]
_CHORES = "tests.fakes.chores"
Start = Callable[[str, str], subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker or a timetable on a queue server; it is killed after the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(url: str, what: str = "work") -> subprocess.Popen[str]:
        words = [sys.executable, "-m", _CHORES, url, what]
        process = subprocess.Popen(words, cwd=_ROOT, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def lanes(queue: QueueServer) -> QueueServer:
    """An empty queue server that this process enqueues on."""
    parts.open_all(Settings(redis_url=queue.url))
    return queue


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    """What the chores write."""
    return tmp_path / "diary"


def test_the_most_urgent_lane_is_worked_first(start: Start, lanes: QueueServer, diary: Path) -> None:
    for lane in (Lane.BACKGROUND, Lane.SENDING, Lane.URGENT):
        assert parts.enqueue(lane, f"{_CHORES}.note", str(diary), lane.value)
    start(lanes.url, "work")
    _until(lambda: len(_words(diary)) == 3)
    assert _words(diary) == ["urgent", "sending", "background"]


def test_a_job_in_hand_is_finished_and_no_other_is_begun(start: Start, lanes: QueueServer, diary: Path) -> None:
    process = start(lanes.url, "work")
    for word in ("first", "second"):
        parts.enqueue(Lane.SENDING, f"{_CHORES}.slow", str(diary), word)
    _until(lambda: _words(diary) == ["first-begun"])
    process.terminate()
    assert process.wait(60) == 0
    assert _words(diary) == ["first-begun", "first-done"]
    assert parts.queue(Lane.SENDING).count == 1
    assert worker.alive(lanes.client) == {}


def test_an_idle_worker_stops_at_once_also_when_asked_twice(start: Start, lanes: QueueServer) -> None:
    process = start(lanes.url, "work")
    _until(lambda: bool(worker.alive(lanes.client)))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    # One that went on waiting for its next job would do so for a minute.
    assert process.wait(30) == 0


def test_living_workers_are_known_by_host_pid_and_start_with_their_lanes(start: Start, lanes: QueueServer) -> None:
    process = start(lanes.url, "work")
    _until(lambda: bool(worker.alive(lanes.client)))
    [(name, worked)] = worker.alive(lanes.client).items()
    assert name.split(":")[-2] == str(process.pid)
    assert worked == set(Lane)
    process.kill()
    process.wait()
    assert worker.alive(lanes.client) == {}


def test_the_same_job_waits_once_but_may_follow_one_that_runs(start: Start, lanes: QueueServer, diary: Path) -> None:
    chore = (Lane.URGENT, f"{_CHORES}.slow", str(diary), "bell")
    assert [parts.enqueue(*chore) for _ in range(3)] == [True, False, False]
    assert parts.enqueue(Lane.URGENT, f"{_CHORES}.slow", str(diary), "other")
    start(lanes.url, "work")
    _until(lambda: _words(diary) == ["bell-begun"])
    assert [parts.enqueue(*chore) for _ in range(2)] == [True, False]
    _until(lambda: _words(diary)[-1] == "bell-done" and len(_words(diary)) == 6)
    assert _words(diary) == ["bell-begun", "bell-done", "other-begun", "other-done", "bell-begun", "bell-done"]


def test_a_failing_job_is_told_without_an_address_and_stops_nobody(
    start: Start, lanes: QueueServer, diary: Path
) -> None:
    process = start(lanes.url, "work")
    parts.enqueue(Lane.URGENT, f"{_CHORES}.fails", str(diary), "anna@x.example")
    parts.enqueue(Lane.URGENT, f"{_CHORES}.later", str(diary))
    parts.enqueue(Lane.URGENT, f"{_CHORES}.note", str(diary), "after")
    _until(lambda: _words(diary)[-1:] == ["after"])
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert "job.failed" in said
    assert "cannot mail <address>" in said
    assert "job.postponed" in said
    assert "anna@x.example" not in said
    registry = FailedJobRegistry(queue=parts.queue(Lane.URGENT))
    kept = [parts.queue(Lane.URGENT).fetch_job(job_id) for job_id in registry.get_job_ids()]
    traces = [str(job.latest_result().exc_string) for job in kept if job is not None]  # type: ignore[union-attr]
    assert len(traces) == 2
    assert not [trace for trace in traces if "anna@x.example" in trace]


def test_a_worker_comes_back_to_a_queue_server_that_was_away(start: Start, diary: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    (folder / "run").mkdir()
    settings = Settings(data=folder)
    parts.open_all(settings)
    process = start(settings.queue, "work")
    try:
        for word in ("one", "two"):
            server = subprocess.Popen(supervisor_queue.command(folder))
            _until(lambda: supervisor_queue.answers(folder))
            parts.enqueue(Lane.URGENT, f"{_CHORES}.note", str(diary), word)
            _until(lambda word=word: _words(diary)[-1:] == [word])  # type: ignore[misc]
            server.send_signal(signal.SIGKILL if word == "one" else signal.SIGTERM)
            server.wait(60)
        assert len({line.split()[1] for line in diary.read_text().splitlines()}) == 1
        process.terminate()
        assert process.wait(60) == 0
    finally:
        shutil.rmtree(folder)


def test_the_timetable_puts_its_jobs_on_their_lane_once(start: Start, lanes: QueueServer) -> None:
    process = start(lanes.url, "rounds")
    _until(lambda: parts.queue(Lane.BACKGROUND).count == 1)
    [name] = rounds.alive(lanes.client)
    assert name.split(":")[-2] == str(process.pid)
    time.sleep(2.2)
    # Nobody works: the same job still waits, so it is not put there again.
    assert parts.queue(Lane.BACKGROUND).count == 1
    start(lanes.url, "work")
    _until(lambda: parts.queue(Lane.BACKGROUND).count == 0)
    process.terminate()
    assert process.wait(60) == 0
    assert rounds.alive(lanes.client) == []


def test_the_timetable_waits_for_a_queue_server_that_is_away(start: Start) -> None:
    process = start("unix:///nowhere/queue.sock", "rounds")
    assert process.stderr is not None
    away = [line for line in (process.stderr.readline() for _ in range(3)) if "timetable.queue_away" in line]
    assert len(away) == 2
    process.terminate()
    assert process.wait(60) == 0


def _words(diary: Path) -> list[str]:
    try:
        return [line.split()[0] for line in diary.read_text().splitlines()]
    except FileNotFoundError:
        return []


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        time.sleep(0.03)
