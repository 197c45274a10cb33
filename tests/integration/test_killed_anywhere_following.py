"""A planner of follow-ups is killed in the midst of its work, again and again, and another goes on.

Every step comes to exactly one end for everybody, a delivery or an act that says why not; and however often it was
begun anew, no two letters come within twelve hours, and nobody gets more of them than the cap says.
"""

from __future__ import annotations

import random
import signal
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience.segments import segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.follow_up import Start, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, Reason, RunState
from listkeeper.sending.following.follow_up_verdict import APART
from listkeeper.settings import Settings
from tests.fakes import mortal_planner
from tests.fakes.databases import Database
from tests.makers import cafe, follow_ups, multitude
from tests.makers.cafe import Cafe

MAILS, DAYS, LINES = 2, 9, 2
# The second letters are one too many for so long that they are left out, the third ones wait for their turn.
WAITS = (1, 1, 6)
# So often one planner writes before it dies at most: a few batches.
_LIVES = 16


def _set_out(session: Session, house: Cafe, people: int) -> None:
    """Let everybody set out on two lines at once; the last letter of the first is for some."""
    follow_ups.cap(house, MAILS, DAYS)
    turns = [(StepKind.LETTER, days) for days in WAITS]
    start = Start(Trigger.EVENT, event_name="order")
    lines = [follow_ups.line(session, house, turns, start=start) for _ in range(LINES)]
    danes = segment.create(session, house.organisation, house.mailing_list, "Danes", "language is da")
    follow_ups.steps(session, lines[0])[-1].segment_id = danes.id
    multitude.gather(session, house, people)
    session.execute(update(Subscriber).where(Subscriber.id % 3 == 0).values(language="da"))
    for number, person in enumerate(session.scalars(select(Subscriber).order_by(Subscriber.id)).all()):
        assert follow_ups.buys(session, person, str(number)) == LINES


def _live_and_die(chance: random.Random, settings: Settings, kills: int, batch: int) -> None:
    """Let one planner after the other die, and the last one come to the end."""
    told = {"data": str(settings.data_folder), "public_url": settings.site}
    told |= {"database_url": settings.database_url} if settings.database_url else {}
    lives = [chance.randint(1, _LIVES) for _ in range(kills)]
    ended = mortal_planner.run(clock.now(), batch=batch, dies_at=[*lives, 0], **told)
    # Had one come to the end before its death, nothing would have been left to do for the next.
    assert ended == [-signal.SIGKILL] * kills + [0]


def _ends(session: Session) -> Counter[tuple[ActKind, Reason | None]]:
    """Demand one end of every step for everybody, and that what left is what was written down; count the ends."""
    acts = session.scalars(select(FollowUpAct)).all()
    ends = [each for each in acts if each.kind is not ActKind.POSTPONED]
    line_of = {each.id: each.follow_up_id for each in session.scalars(select(FollowUpStep))}
    runs = session.scalars(select(FollowUpRun)).all()
    due = [(run.id, step) for run in runs for step, line in line_of.items() if line == run.follow_up_id]
    assert sorted((each.run_id, each.step_id) for each in ends) == sorted(due)
    mails = session.scalars(_of_lines().order_by(Delivery.id)).all()
    mailed = {each.delivery_id: each for each in ends if each.kind is ActKind.MAILED}
    assert sorted(each.id for each in mails) == sorted(number for number in mailed if number is not None)
    for each in mails:
        act = mailed[each.id]
        assert (each.subscriber_id, each.state) == (act.subscriber_id, DeliveryState.ACCEPTED)
        assert each.occasion == f"follow-up:{act.run_id}:{act.step_id}"
    assert {run.state for run in runs} == {RunState.FINISHED}
    return Counter((each.kind, each.why) for each in acts)


def _of_lines() -> Select[Delivery]:
    letters = select(Campaign.id).where(Campaign.kind == CampaignKind.FOLLOW_UP)
    return select(Delivery).where(Delivery.campaign_id.in_(letters))


def _reached(session: Session) -> dict[int, list[datetime]]:
    """Return when letters reached each of them, in order."""
    found: dict[int, list[datetime]] = defaultdict(list)
    for each in session.scalars(_of_lines().order_by(Delivery.handed_at)):
        assert each.subscriber_id is not None
        assert each.handed_at is not None
        found[each.subscriber_id].append(each.handed_at)
    return found


@pytest.mark.timeout(1800)
def test_killed_while_it_plans_no_step_is_lost_or_doubled_and_no_letter_comes_too_soon(  # noqa: PLR0917
    app: Flask,
    settings: Settings,
    database: Database,
    frozen_clock: time_machine.Traveller,
    chance: random.Random,
    share: Callable[[str, int, int], int],
    summarise: Callable[[str], None],
) -> None:
    people, kills = share("people on two lines of follow-ups", 300, 30), share("kills of who plans follow-ups", 100, 12)
    with app.app_context(), store.transaction() as session:
        _set_out(session, cafe.found(session), people)
    _live_and_die(chance, settings, kills, batch=10)
    with app.app_context(), store.reading() as session:
        ends, reached = _ends(session), _reached(session)
    assert len(reached) == people
    for moments in reached.values():
        assert all(second - first >= APART for first, second in pairwise(moments))
        beyond = zip(moments, moments[MAILS:], strict=False)
        assert all(later - earlier >= timedelta(days=DAYS) for earlier, later in beyond)
    # Both were in everybody's way, or nothing is proven of them.
    ways = ((ActKind.POSTPONED, Reason.ANOTHER), (ActKind.POSTPONED, Reason.CAP), (ActKind.SKIPPED, Reason.CAP))
    assert min(ends[way] for way in ways) >= people
    assert 0 < ends[ActKind.SKIPPED, Reason.CONDITION] < people
    summarise(f"killed while following, {database.kind}: {kills} kills, {ends.total():,} acts of {people} people")
