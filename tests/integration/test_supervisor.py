"""The supervisor keeps its parts alive, stops them in order, and takes them along when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.running_up import ROOT, lives
from tests.fakes.supervised import STAYS

Start = Callable[[dict[str, dict[str, object]]], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor with parts; whatever is left of it is killed after the test."""
    running: list[subprocess.Popen[str]] = []

    def begin(parts: dict[str, dict[str, object]]) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.fakes.supervised", str(tmp_path), json.dumps(parts)]
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        running.append(process)
        _until(lambda: len(_diary(tmp_path, "started")) >= len(parts))
        return process

    yield begin
    for process in running:
        process.kill()
    for _, pid in _diary(tmp_path, "started"):
        if lives(pid):
            os.kill(pid, signal.SIGKILL)
    for process in running:
        # Only now: a part that lives on holds the other end of this pipe.
        process.communicate()


def test_a_part_that_dies_is_started_again(start: Start, tmp_path: Path) -> None:
    supervisor = start({"one": {}, "two": {}})
    [first] = [pid for name, pid in _diary(tmp_path, "started") if name == "one"]
    os.kill(first, signal.SIGKILL)
    _until(lambda: len(_diary(tmp_path, "started")) == 3)
    names = [name for name, _ in _diary(tmp_path, "started")]
    assert sorted(names) == ["one", "one", "two"]
    supervisor.terminate()
    _, said = supervisor.communicate(timeout=60)
    assert supervisor.returncode == 0
    assert "part.died" in said
    assert "code=-9" in said


def test_a_part_that_keeps_dying_is_started_ever_more_seldom(start: Start, tmp_path: Path) -> None:
    supervisor = start({"doomed": {"code": "sys.exit(3)"}})
    _until(lambda: len(_diary(tmp_path, "started")) == 4)
    supervisor.terminate()
    _, said = supervisor.communicate(timeout=60)
    pauses = [float(line.split("restart_in=")[1].split()[0]) for line in said.splitlines() if "restart_in=" in line]
    assert pauses[:3] == [0.2, 0.4, 0.8]
    assert len(pauses) <= 5


def test_parts_are_stopped_wave_by_wave(start: Start, tmp_path: Path) -> None:
    slowly = f"on_term(lambda: (time.sleep(0.4), leave()))\n{STAYS}"
    supervisor = start(
        {
            "queue": {"wave": "QUEUE"},
            "catcher": {"wave": "SERVES_WORKERS"},
            "worker": {"wave": "TAKES_WORK", "code": slowly},
            "web": {"wave": "TAKES_WORK"},
        }
    )
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    assert [name for name, _ in _diary(tmp_path, "stopped")] == ["web", "worker", "catcher", "queue"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_way_to_stop_it_stops_all_of_it(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    supervisor = start({"one": {}, "two": {}})
    supervisor.send_signal(number)
    assert supervisor.wait(60) == 0
    assert not [pid for _, pid in _diary(tmp_path, "started") if lives(pid)]


def test_a_part_that_does_not_stop_in_its_time_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start({"deaf": {"code": f"on_term(lambda: say('ignores'))\n{STAYS}", "grace": 0.5}})
    supervisor.terminate()
    assert supervisor.wait(9) == 0
    assert _diary(tmp_path, "ignores")
    assert not lives(_diary(tmp_path, "started")[0][1])


def test_a_second_request_does_not_wait_for_the_slow(start: Start, tmp_path: Path) -> None:
    supervisor = start({"slow": {"code": f"on_term(lambda: say('drains'))\n{STAYS}", "grace": 60}})
    supervisor.send_signal(signal.SIGINT)
    _until(lambda: bool(_diary(tmp_path, "drains")))
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(30) == 0


def test_no_part_outlives_a_supervisor_that_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start({"one": {}, "two": {}})
    supervisor.kill()
    supervisor.wait()
    _until(lambda: not [pid for _, pid in _diary(tmp_path, "started") if lives(pid)])
    # They were asked, not killed: a queue server saves, a worker finishes what is in flight.
    assert len(_diary(tmp_path, "stopped")) == 2


def test_what_a_dead_part_had_started_itself_is_ended_too(start: Start, tmp_path: Path) -> None:
    nested = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"diary.open('a').write(f'inner started {{child.pid}}\\n')\n{STAYS}"
    )
    supervisor = start({"outer": {"code": nested}})
    _until(lambda: any(name == "inner" for name, _ in _diary(tmp_path, "started")))
    pids = dict(_diary(tmp_path, "started"))
    os.kill(pids["outer"], signal.SIGKILL)
    _until(lambda: not lives(pids["inner"]))
    supervisor.terminate()
    assert supervisor.wait(60) == 0


def _diary(folder: Path, word: str) -> list[tuple[str, int]]:
    """Return (part, pid) of every line with this word, in order."""
    try:
        lines = (folder / "diary").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [(name, int(pid)) for name, said, pid in (line.split() for line in lines) if said == word]


def _until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            pytest.fail("it did not happen in time")
        time.sleep(0.03)
