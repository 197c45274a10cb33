"""An instance whose parts are processes that a test starts, kills and starts again, each for itself.

What ``listkeeper up`` starts, without its supervisor: that one waits longer and longer before it starts a part again
that keeps dying, and here they die all the time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from listkeeper.cli import supervisor_queue
from tests.fakes import running_up

WORKERS = ("worker 1", "worker 2")
# In the order they are started.
PARTS = ("queue", "web", *WORKERS, "timetable")


@dataclass
class Killable:
    """The parts of one data folder that run, by name."""

    data: Path
    port: int
    settings: dict[str, str]
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)

    @property
    def queue_url(self) -> str:
        """Where the queue server listens."""
        return f"unix://{supervisor_queue.socket_of(self.data)}"

    def start(self, *names: str) -> None:
        """Start parts that do not run."""
        for name in names:
            self.wanted.add(name)
            words = supervisor_queue.command(self.data) if name == "queue" else self._words(name)
            # The first of a group of its own: a web server has a child.
            self.running[name] = running_up.begun(words, self.log, self._environment(), own_group=True)

    def _words(self, name: str) -> list[str]:
        noun = {"web": "web", "timetable": "timetable"}.get(name, "work")
        return [sys.executable, "-P", "-m", "listkeeper.cli.main", noun]

    def _environment(self) -> dict[str, str]:
        told = running_up.environment(data=str(self.data), port=str(self.port), check_links="false", **self.settings)
        return told | {"PYTHONPATH": str(running_up.ROOT)}

    def kill(self, *names: str) -> None:
        """Kill parts with all that they started, at once and without a word."""
        dying = [self.running.pop(name) for name in names if name in self.running]
        for process in dying:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in dying:
            process.wait(10)

    def forget_queue(self) -> None:
        """Take away what a queue server that does not run would remember."""
        shutil.rmtree(self.data / "queue", ignore_errors=True)

    def tend(self) -> None:
        """Start again what has ended by itself, as a worker that found no database at its start."""
        for name in self.wanted:
            process = self.running.get(name)
            if process is None or process.poll() is not None:
                self.start(name)

    def drain(self, *names: str) -> dict[str, int]:
        """Ask parts to stop, or all of them, the queue server last; return their exit codes."""
        asked = set(names or self.running)
        self.wanted -= asked
        codes = {}
        for wave in (asked - {"queue"}, asked & {"queue"}):
            for name in wave:
                self.running[name].terminate()
            for name in wave:
                codes[name] = self.running.pop(name).wait(40)
        return codes

    def said(self) -> str:
        """Return what all parts have logged so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def instance(data: Path, **settings: str) -> Iterator[Killable]:
    """Make an instance of which nothing runs yet; whatever runs at the end is killed."""
    made = Killable(data, running_up.free_port(), settings, data.parent / "parts.log")
    (data / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield made
    finally:
        made.kill(*made.running)
