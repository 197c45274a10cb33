"""Planners of follow-ups in processes of their own, which die by ``kill -9`` in the midst of what they write.

``python -m tests.fakes.mortal_planner MOMENT BATCH DIES_AT…`` lets one live after the other, through the days from a
moment on, as the timetable and a mail server would: every few hours all that waits is handed over, and the follow-ups
are looked at, in batches as small as BATCH, until nobody is on a line any more. Each goes on at the moment at which the
one before died, and kills itself before it has written so often as its DIES_AT says; 0 lets it live. A line is printed
of how each ended. All come from one process that has made the application and opened nothing: a death costs no start.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta

import time_machine
from flask import Flask
from sqlalchemy import event, func, select

from listkeeper import store
from listkeeper.app import create_app
from listkeeper.foundation import clock
from listkeeper.jobs import following
from listkeeper.sending.following import follow_up_planning, follow_up_settling
from listkeeper.sending.following.follow_up_run import IS_RUNNING, FollowUpRun
from listkeeper.settings import Settings
from tests.fakes import running_up
from tests.makers import follow_ups

# The log is printed too.
_ENDED = "ended: "
_EVERY = timedelta(hours=5)
# Nobody is on a line of a test for longer.
_LONGEST = timedelta(days=20)


# What planning writes; what else is written is no part of it.
_WRITES = re.compile(r"\s*(INSERT INTO (delivery|follow_up_act)|UPDATE follow_up_run)\b")


def run(at: datetime, *, batch: int, dies_at: Sequence[int], **told: str) -> list[int]:
    """Let planners live from a moment on until each dies, or has nothing left to do; return how they ended."""
    lives = [str(each) for each in dies_at]
    words = [sys.executable, "-m", "tests.fakes.mortal_planner", clock.as_text(at), str(batch), *lives]
    done = subprocess.run(
        words, cwd=running_up.ROOT, env=running_up.environment(**told), capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [int(line.removeprefix(_ENDED)) for line in done.stdout.splitlines() if line.startswith(_ENDED)]


def _main(moment: str, batch: str, *lives: str) -> None:
    of_plan = follow_up_planning.plan.__kwdefaults__
    assert of_plan is not None
    of_plan["most"] = int(batch)
    follow_up_settling.settle.__defaults__ = (int(batch),)
    app, at = create_app(Settings()), datetime.fromisoformat(moment)
    for dies_at in lives:
        code, at = _life(app, at, int(dies_at))
        print(f"{_ENDED}{code}", flush=True)


def _life(app: Flask, at: datetime, dies_at: int) -> tuple[int, datetime]:
    """Let one planner live in a process of its own; return how it ended, and the last moment that it began."""
    told, tells = os.pipe()
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.close(told)
            code = _live(app, at, dies_at, tells)
        except BaseException:  # noqa: BLE001 - it must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(tells)
    with os.fdopen(told) as said:
        begun = said.read().split()
    _pid, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), datetime.fromisoformat(begun[-1]) if begun else at


def _live(app: Flask, at: datetime, dies_at: int, tells: int) -> int:
    ends = at + _LONGEST
    with app.app_context():
        _count_down(dies_at)
    while at < ends:
        os.write(tells, f"{clock.as_text(at)}\n".encode())
        with app.app_context(), time_machine.travel(at, tick=False):
            with store.transaction() as session:
                follow_ups.hand_over(session)
            following.look()
            with store.reading() as session:
                if not session.scalar(select(func.count()).select_from(FollowUpRun).where(IS_RUNNING)):
                    return 0
        at += _EVERY
    raise AssertionError("somebody never came to the end of a line")


def _count_down(left: int) -> None:
    """Die when planning has written so often; a transaction in which it wrote is closed by one more."""
    lives, wrote = [left], [False]

    def die() -> None:
        lives[0] -= 1
        if lives[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if _WRITES.match(statement):
            wrote[0] = True
            die()

    def close(_connection: object) -> None:
        if wrote[0]:
            wrote[0] = False
            die()

    event.listen(store.database.engine, "before_cursor_execute", note)
    event.listen(store.database.engine, "commit", close)


if __name__ == "__main__":
    _main(*sys.argv[1:])
