"""The line of a follow-up as planning needs it: its steps, its clocks, and where somebody goes on after a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.foundation.among import among
from listkeeper.sending.following.follow_up_run import ActKind, FollowUpAct, FollowUpRun, RunState, StopWhy


@dataclass(frozen=True)
class Line:
    """A follow-up, its steps in order (the removed ones too, by number), and the clocks of its business."""

    follow_up: FollowUp
    organisation: Organisation
    steps: tuple[FollowUpStep, ...]
    known: Mapping[int, FollowUpStep]
    home: str

    @property
    def first(self) -> FollowUpStep | None:
        """The step it begins with."""
        return self.steps[0] if self.steps else None


def of(session: Session, found: FollowUp) -> Line:
    """Read the line of a follow-up."""
    organisation = session.get_one(Organisation, found.organisation_id)
    every = follow_up_step.every(session, found)
    standing = tuple(step for step in every if step.removed_at is None)
    home = storefront.zone_of(session, organisation)
    return Line(found, organisation, standing, {step.id: step for step in every}, home)


def zones(session: Session, line: Line, people: Collection[int]) -> Mapping[int, str]:
    """Return by whose clock each of these people gets a step that has an hour, where it is not the business's."""
    if not line.follow_up.each_zone or not people:
        return {}
    query = select(Subscriber.id, Subscriber.time_zone).where(
        among(Subscriber.id, "people"), Subscriber.time_zone.is_not(None)
    )
    found = session.execute(query, {"people": sorted(people)})
    return {person: zone for person, zone in found if zone is not None}


def done(session: Session, runs: Collection[int]) -> set[tuple[int, int]]:
    """Return which steps have been mailed or skipped, as run and step."""
    query = select(FollowUpAct.run_id, FollowUpAct.step_id).where(
        among(FollowUpAct.run_id, "runs"), FollowUpAct.kind != ActKind.POSTPONED
    )
    return {(row[0], row[1]) for row in session.execute(query, {"runs": sorted(runs)})}


@dataclass(frozen=True)
class GoesOn:
    """That a run has done a step, or passes over it, at a moment from which the next wait counts."""

    run_id: int
    subscriber_id: int
    step_id: int
    since: datetime


def go_on(session: Session, line: Line, those: Collection[GoesOn]) -> None:
    """Let runs stand before the step that follows; at the end of the line they are finished."""
    if not those:
        return
    clocks = zones(session, line, {each.subscriber_id for each in those})
    behind = done(session, {each.run_id for each in those})
    moves, ends = [], []
    for each in those:
        following = _following(line, each, behind)
        if following is None:
            ends.append({"run": each.run_id, "ended": each.since})
            continue
        due = follow_up_step.due(following, each.since, clocks.get(each.subscriber_id, line.home))
        moves.append({"run": each.run_id, "step": following.id, "due": due})
    connection = session.connection()
    if moves:
        connection.execute(_MOVES, moves)
    if ends:
        connection.execute(_ENDS, ends)


def _following(line: Line, each: GoesOn, behind: Collection[tuple[int, int]]) -> FollowUpStep | None:
    # Its owner may have changed the order meanwhile: nobody gets a step twice, and none is lost that was moved ahead.
    left = (step for step in line.steps if step.id != each.step_id and (each.run_id, step.id) not in behind)
    return next(left, None)


_TABLE = cast("Table", FollowUpRun.__table__)
_RUN = _TABLE.c
_MOVES = (
    update(_TABLE)
    .where(_RUN.id == bindparam("run"))
    .values(next_step_id=bindparam("step"), planned_for=bindparam("due"), due_at=bindparam("due"), delivery_id=None)
)
_ENDS = (
    update(_TABLE)
    .where(_RUN.id == bindparam("run"))
    .values(
        state=RunState.FINISHED, next_step_id=None, planned_for=None, due_at=None, delivery_id=None,
        ended_at=bindparam("ended"),
    )
)  # fmt: skip
_STOPS = (
    update(_TABLE)
    .where(_RUN.id == bindparam("run"))
    .values(
        state=RunState.STOPPED, why=bindparam("because"), planned_for=None, due_at=None, delivery_id=None,
        ended_at=bindparam("ended"),
    )
)  # fmt: skip


def stop(session: Session, why: Mapping[int, StopWhy], now: datetime) -> None:
    """End runs before their line does."""
    if why:
        session.connection().execute(
            _STOPS, [{"run": number, "because": reason, "ended": now} for number, reason in why.items()]
        )


def hour_of(moment: datetime, zone: str) -> int:
    """Return the hour that a clock shows at a moment."""
    return moment.astimezone(ZoneInfo(zone)).hour
