"""Seconds until the steps of a follow-up that are due are waiting deliveries, and until those of a sleep are spread."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, literal, select, update

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.following import follow_up_planning
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, RunState
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, follow_ups, multitude, works

_PROMISED = 10
_SLEPT = timedelta(days=3)
# Of four days that are left, each with twelve hours: room for a few more than there are.
_HOURS_LEFT = 40


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Plan 100,000 steps that are due (10,000 in a short run), on each database; the cap is on. Then as many late."""
    count = 100_000 if full else 10_000
    return [each(name, kind, count, repeats) for kind in instance.kinds() for each in (_measure, _measure_late)]


def _measure(name: str, kind: str, count: int, repeats: int) -> Figure:
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                multitude.gather(session, cafe.found(session), count)
                # Each repeat is a letter more to each of them, which the cap counts.
                works.here(session).organisation.cap_mails = repeats + 1
            found = [_plan(settings.site, count) for _ in range(repeats)]
    median = statistics.median(found)
    return Figure(
        name=f"{name} {kind}", figure=round(median, 2), unit=f"seconds for {count} steps that are due", limit=None,
        ratio=None, repeats=repeats, spread=round((max(found) - min(found)) / median, 3),
        limit_is=f"the promise is {_PROMISED} s for 100,000",
        note="stop rules, the cap and the log of each step are in it; each repeat is a line more to the same people",
    )  # fmt: skip


def _measure_late(name: str, kind: str, count: int, repeats: int) -> Figure:
    found = [_spread_once(kind, count) for _ in range(repeats)]
    seconds = [each[0] for each in found]
    median = statistics.median(seconds)
    return Figure(
        name=f"{name} after a sleep {kind}", figure=round(median, 2), unit=f"seconds for {count} steps that are late",
        limit=None, ratio=None, repeats=repeats, spread=round((max(seconds) - min(seconds)) / median, 3),
        limit_is="no limit is set; that no hour holds more than an ordinary one is demanded",
        note=f"{count // _HOURS_LEFT} leave in an ordinary hour; the fullest hour got {max(each[1] for each in found)}",
    )  # fmt: skip


def _spread_once(kind: str, count: int) -> tuple[float, int]:
    """Return how many seconds it takes to spread so many, and how many the fullest hour got."""
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as folder, instance.database(kind) as url:
        settings = settings_file.read(data=Path(folder), smtp_url="smtp://127.0.0.1:9", database_url=url)
        with context.opened(settings, create=True):
            with store.transaction() as session:
                multitude.gather(session, cafe.found(session), count)
            number, _letter = _line(clock.now() - _SLEPT, ordinary=count // _HOURS_LEFT)
            lasted = _plan_all(number, settings.site)
            return lasted, _fullest(number, count, count // _HOURS_LEFT)


def _fullest(number: int, count: int, allowed: int) -> int:
    with store.reading() as session:
        moments = list(
            session.scalars(
                select(FollowUpRun.due_at).where(FollowUpRun.follow_up_id == number, FollowUpRun.due_at.is_not(None))
            )
        )
        left = session.scalar(select(func.count()).select_from(Delivery)) or 0
    hours = Counter(f"{moment:%d %H}" for moment in moments if moment is not None)
    now = f"{clock.now():%d %H}"
    fullest = max(hours[hour] + (left if hour == now else 0) for hour in {now, *hours})
    if fullest > allowed or len(moments) + left != count:
        raise SystemExit(f"{fullest} steps in one hour, where {allowed} leave; {len(moments) + left} of {count} spread")
    return fullest


def _line(moment: datetime, *, ordinary: int = 0) -> tuple[int, int]:
    """Let everybody wait for the step of a line that was due at a moment; return the line's and its letter's number.

    ``ordinary`` says how many left in an hour of yesterday.
    """
    with store.transaction() as session:
        line = follow_ups.line(session, works.here(session), ((StepKind.LETTER, 0),))
        (step,) = follow_ups.steps(session, line)
        due = literal(moment, FollowUpRun.due_at.type)
        values = {
            FollowUpRun.follow_up_id: literal(line.id),
            FollowUpRun.subscriber_id: Subscriber.id,
            FollowUpRun.occasion: literal("yes"),
            FollowUpRun.round: literal(0),
            FollowUpRun.state: literal(RunState.RUNNING, FollowUpRun.state.type),
            FollowUpRun.next_step_id: literal(step.id),
            FollowUpRun.planned_for: due,
            FollowUpRun.due_at: due,
            FollowUpRun.begun_at: due,
        }
        rows = select(*values.values())
        session.execute(insert(FollowUpRun).from_select(list(values), rows, include_defaults=False))
        yesterday = clock.now() - timedelta(days=1)
        for other in range(ordinary):
            # Of another run, long over.
            session.add(
                FollowUpAct(run_id=-1 - other, step_id=step.id, subscriber_id=1, kind=ActKind.MAILED, at=yesterday)
            )
        return line.id, step.campaign_id


def _plan_all(number: int, site: str) -> float:
    start = time.perf_counter()
    done = 1
    while done:
        with store.transaction() as session:
            done = follow_up_planning.plan(session, session.get_one(FollowUp, number), site=site)
    return time.perf_counter() - start


def _plan(site: str, count: int) -> float:
    number, letter = _line(clock.now() - timedelta(minutes=1))
    lasted = _plan_all(number, site)
    with store.transaction() as session:
        planned = session.scalar(select(func.count()).where(Delivery.campaign_id == letter))
        # What was planned counts as gone long ago enough not to keep the next line's letter apart.
        follow_ups.hand_over(session)
        session.execute(update(Delivery).values(handed_at=clock.now() - timedelta(days=1)))
    if planned != count:
        raise SystemExit(f"{planned} deliveries were planned for {count} steps")
    return lasted
