"""Seconds until the steps of a follow-up that are due are waiting deliveries, on each database."""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, insert, literal, select, update

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import StepKind
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.sending import follow_up_planning
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.follow_up_run import FollowUpRun, RunState
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.makers import cafe, follow_ups, multitude, works

_PROMISED = 10


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Plan 100,000 steps that are due (10,000 in a short run), on each database; the cap is on."""
    return [_measure(name, kind, 100_000 if full else 10_000, repeats) for kind in instance.kinds()]


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


def _plan(site: str, count: int) -> float:
    with store.transaction() as session:
        made = works.here(session)
        line = follow_ups.line(session, made, ((StepKind.LETTER, 0),))
        number, (step,) = line.id, follow_ups.steps(session, line)
        due = literal(clock.now() - timedelta(minutes=1), FollowUpRun.due_at.type)
        values = {
            FollowUpRun.follow_up_id: literal(number),
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
        letter = step.campaign_id
    start = time.perf_counter()
    done = 1
    while done:
        with store.transaction() as session:
            done = follow_up_planning.plan(session, session.get_one(FollowUp, number), site=site)
    lasted = time.perf_counter() - start
    with store.transaction() as session:
        planned = session.scalar(select(func.count()).where(Delivery.campaign_id == letter))
        # What was planned counts as gone long ago enough not to keep the next line's letter apart.
        follow_ups.hand_over(session)
        session.execute(update(Delivery).values(handed_at=clock.now() - timedelta(days=1)))
    if planned != count:
        raise SystemExit(f"{planned} deliveries were planned for {count} steps")
    return lasted
