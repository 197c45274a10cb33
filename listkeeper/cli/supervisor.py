"""Keeps a machine's processes alive and stops them in order.

One thread, no library: the program sleeps until a child dies or a signal comes.
A part that dies is started again after a pause that doubles while it keeps
dying. Parts are stopped in waves, first those that take work in, last those the
others lean on; a part that does not stop in its time is killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import FrameType
from typing import Self

from listkeeper.cli import supervisor_ties
from listkeeper.foundation import log

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
# A part that has lived this long has recovered: its next death is a first one again.
_RECOVERED_SECONDS = 30.0
_TICK_SECONDS = 1.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_log = log.get(__name__)


class Wave(IntEnum):
    """When a part is stopped: the first wave first, each after the one before it has ended."""

    TAKES_WORK = 1
    SERVES_WORKERS = 2
    QUEUE = 3


@dataclass(frozen=True)
class Part:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    wave: Wave
    grace_seconds: float = 10.0
    # A process that is already there and does the same; then it is watched instead of started.
    living: Callable[[], int | None] | None = None


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    adopted: int | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else self.adopted


class Ended(Exception):
    """A part ended before it had ever answered; ``code`` is its exit code (negative: the signal)."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} ended with {code}")
        self.name = name
        self.code = code


@dataclass
class Supervisor:
    """The parts of one data folder."""

    environment: Mapping[str, str]
    _children: dict[str, _Child] = field(default_factory=dict)
    _stops: int = 0
    _wakes: tuple[int, int] = (-1, -1)

    def __enter__(self) -> Self:
        """Take over the signals of this process."""
        self._wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else _plain_pipe()
        signal.set_wakeup_fd(self._wakes[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in _STOP_SIGNALS:
            # Under nohup a hang-up is ignored on purpose.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop whatever still runs, also after an error."""
        self.stop()
        signal.set_wakeup_fd(-1)
        for handle in self._wakes:
            os.close(handle)

    @property
    def stopping(self) -> bool:
        """Whether somebody has asked us to stop."""
        return self._stops > 0

    def start(self, part: Part) -> None:
        """Start a part, or take over the process that already does its work."""
        child = self._children.setdefault(part.name, _Child(part))
        child.adopted = part.living() if part.living else None
        child.due, child.started = None, time.monotonic()
        if child.adopted is not None:
            _log.info("part.taken_over", part=part.name, pid=child.adopted)
            return
        child.process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            part.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            # Standard output is ours alone: what people and scripts read there must not mix with log lines.
            stdout=2,
            # In a session of its own, or Ctrl-C would reach it beside our orderly stop.
            start_new_session=True,
            preexec_fn=supervisor_ties.for_child(),  # noqa: PLW1509 - this process has one thread
        )
        _log.info("part.started", part=part.name, pid=child.process.pid)

    def wait_until(self, ready: Callable[[], bool], needed: str, seconds: float) -> bool:
        """Look after the parts until ``ready``; raises Ended when the ``needed`` one gives up before that."""
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            if ready():
                return True
            self._sleep(0.03)
            for child, code in self._dead():
                if child.part.name == needed:
                    raise Ended(needed, code)
                self._plan_restart(child, code)
            self._restart_due()
        return False

    def watch(self) -> None:
        """Keep all parts alive until somebody asks us to stop."""
        while not self.stopping:
            for child, code in self._dead():
                self._plan_restart(child, code)
            self._restart_due()
            self._sleep(self._until_next())

    def stop(self) -> None:
        """Stop all parts, wave by wave; a second request to stop kills what is still draining."""
        if not self.stopping:
            self._stops = 1
        for wave in Wave:
            self._stop_wave([child for child in self._children.values() if child.part.wave == wave and child.pid])

    def _ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        del number
        self._stops += 1

    def _stop_wave(self, children: list[_Child]) -> None:
        began, asked = time.monotonic(), self._stops
        for child in children:
            _signal(child, signal.SIGTERM)
        while children:
            for child, code in self._dead():
                _log.info("part.stopped", part=child.part.name, code=code)
            children = [child for child in children if child.pid]
            spent = time.monotonic() - began
            # The queue server is never hurried: what it has not written is lost.
            hurried = self._stops > asked and all(child.part.wave != Wave.QUEUE for child in children)
            for child in children:
                if hurried or spent > child.part.grace_seconds:
                    _log.warning("part.killed", part=child.part.name, pid=child.pid)
                    _signal(child, signal.SIGKILL)
            if children:
                self._sleep(0.1)

    def _dead(self) -> list[tuple[_Child, int]]:
        """Collect the children that have ended, with their exit codes."""
        ended = []
        for child in self._children.values():
            if child.process is not None and (code := child.process.poll()) is not None:
                # What it started itself must not outlive it (a web server's own worker keeps the port).
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process = None
                ended.append((child, code))
            elif child.adopted is not None and not _alive(child.adopted):
                child.adopted = None
                ended.append((child, 0))
        return ended

    def _plan_restart(self, child: _Child, code: int) -> None:
        if time.monotonic() - child.started > _RECOVERED_SECONDS:
            child.pause = _FIRST_PAUSE
        child.due = time.monotonic() + child.pause
        _log.warning("part.died", part=child.part.name, code=code, restart_in=round(child.pause, 1))
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _restart_due(self) -> None:
        for child in self._children.values():
            if child.due is not None and child.due <= time.monotonic() and not self.stopping:
                self.start(child.part)

    def _until_next(self) -> float:
        waits = [child.due - time.monotonic() for child in self._children.values() if child.due is not None]
        return max(0.0, min([_TICK_SECONDS, *waits]))

    def _sleep(self, seconds: float) -> None:
        """Sleep until the time is over, a child has died or a signal has come."""
        readable, _, _ = select.select([self._wakes[0]], [], [], seconds)
        if readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakes[0], 4096)


def _plain_pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return reading, writing


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal(child: _Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if child.process is not None:
            child.process.send_signal(number)
        elif child.adopted is not None:
            os.kill(child.adopted, number)
