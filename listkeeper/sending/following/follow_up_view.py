"""What there is to see of follow-ups: numbers for each step, who is on a line, what became of each step for whom.

A line has a history as long as its life. So what is listed is looked up by its
own number first and then joined, and what is counted stands in an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, union_all
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation.among import among
from listkeeper.sending.delivery import LEFT, Delivery, DeliveryState
from listkeeper.sending.following.follow_up_run import (
    IS_RUNNING,
    ActKind,
    FollowUpAct,
    FollowUpRun,
    Reason,
    RunState,
    StopWhy,
)
from listkeeper.sending.frequency_cap import SkippedMail

SHOWN = 50


@dataclass(frozen=True)
class StepNumbers:
    """What became of one step: how many it reached, how many wait for it, and who did not get it, by reason."""

    mailed: int = 0
    # Planned, and not handed over yet, or never: refused by the gate, taken by no server.
    under_way: int = 0
    not_taken: int = 0
    waiting: int = 0
    skipped: Mapping[Reason, int] = field(default_factory=dict)
    put_off: Mapping[Reason, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LineNumbers:
    """How many are on a line now, reached its end, or were stopped, and why."""

    running: int = 0
    finished: int = 0
    stopped: Mapping[StopWhy, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """What became of one step for one person."""

    at: datetime
    person: str
    follow_up: str
    follow_up_name: str
    subject: str
    kind: ActKind
    why: Reason | None
    until: datetime | None
    state: DeliveryState | None
    refusal: RefusalCode | None

    @property
    def was_sent(self) -> bool:
        """Whether it left, or may have."""
        return self.kind is ActKind.MAILED and self.state in LEFT


@dataclass(frozen=True)
class Walker:
    """One person on a line now: which step comes next, and when; without a moment it waits to be handed over."""

    person: str
    address: str
    position: int
    due_at: datetime | None
    begun_at: datetime


@dataclass(frozen=True)
class LeftOut:
    """One letter to everybody that somebody did not get; with a moment it was planned for her after all."""

    at: datetime
    subject: str
    campaign: str
    planned_at: datetime | None


def lines(session: Session, found: FollowUp) -> LineNumbers:
    """Count the runs of a line."""
    return lines_of(session, [found])[found.id]


def lines_of(session: Session, those: Sequence[FollowUp]) -> dict[int, LineNumbers]:
    """Count the runs of some lines, by the line's number, all at once."""
    query = (
        select(FollowUpRun.follow_up_id, FollowUpRun.state, FollowUpRun.why, func.count())
        .where(among(FollowUpRun.follow_up_id, "lines"))
        .group_by(FollowUpRun.follow_up_id, FollowUpRun.why, FollowUpRun.state)
    )
    counted: dict[int, dict[tuple[RunState, StopWhy | None], int]] = {each.id: {} for each in those}
    for line, state, why, number in session.execute(query, {"lines": sorted(counted)}):
        counted[line][state, why] = number
    return {line: _line(runs) for line, runs in counted.items()}


def _line(counted: Mapping[tuple[RunState, StopWhy | None], int]) -> LineNumbers:
    return LineNumbers(
        running=counted.get((RunState.RUNNING, None), 0),
        finished=counted.get((RunState.FINISHED, None), 0),
        stopped={why: number for (state, why), number in counted.items() if state is RunState.STOPPED and why},
    )


def running(session: Session, those: Sequence[FollowUp]) -> dict[int, int]:
    """Return how many people are on each of these lines now, by the line's number; reads nobody who has left them."""
    # Of who runs there is no reason why not: the index that knows both is asked for both.
    query = (
        select(FollowUpRun.follow_up_id, func.count())
        .where(among(FollowUpRun.follow_up_id, "lines"), FollowUpRun.why.is_(None), IS_RUNNING)
        .group_by(FollowUpRun.follow_up_id)
    )
    found = session.execute(query, {"lines": [each.id for each in those]})
    return {line: number for line, number in found}  # noqa: C416 - rows are no pairs to the type checker


def numbers(session: Session, found: FollowUp) -> dict[int, StepNumbers]:
    """Count what became of each step, by its number; a fixed number of queries, however many walked along."""
    steps = {step.id: step.campaign_id for step in follow_up_step.every(session, found)}
    acts: dict[int, dict[tuple[ActKind, Reason | None], int]] = {}
    grouped = (
        select(FollowUpAct.step_id, FollowUpAct.kind, FollowUpAct.why, func.count())
        .where(among(FollowUpAct.step_id, "steps"))
        .group_by(FollowUpAct.step_id, FollowUpAct.kind, FollowUpAct.why)
    )
    for step, kind, why, number in session.execute(grouped, {"steps": sorted(steps)}):
        acts.setdefault(step, {})[kind, why] = number
    mails = _mails(session, list(steps.values()))
    waiting = (
        select(FollowUpRun.next_step_id, func.count())
        .where(FollowUpRun.follow_up_id == found.id, IS_RUNNING, FollowUpRun.delivery_id.is_(None))
        .group_by(FollowUpRun.next_step_id)
    )
    standing = {row[0]: row[1] for row in session.execute(waiting)}
    return {
        step: StepNumbers(
            mailed=mails.get(letter, {}).get("left", 0),
            under_way=mails.get(letter, {}).get("open", 0),
            not_taken=mails.get(letter, {}).get("home", 0),
            waiting=standing.get(step, 0),
            skipped=_by_reason(acts.get(step, {}), ActKind.SKIPPED),
            put_off=_by_reason(acts.get(step, {}), ActKind.POSTPONED),
        )
        for step, letter in steps.items()
    }


def _by_reason(acts: Mapping[tuple[ActKind, Reason | None], int], wanted: ActKind) -> dict[Reason, int]:
    return {why: number for (kind, why), number in acts.items() if kind is wanted and why is not None}


_HOME = frozenset({DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.CANCELLED})


def _mails(session: Session, letters: Sequence[int]) -> dict[int, dict[str, int]]:
    query = (
        select(Delivery.campaign_id, Delivery.state, func.count())
        .where(among(Delivery.campaign_id, "letters"))
        .group_by(Delivery.campaign_id, Delivery.state)
    )
    counted: dict[int, dict[str, int]] = {}
    for letter, state, number in session.execute(query, {"letters": sorted(letters)}):
        what = "left" if state in LEFT else "home" if state in _HOME else "open"
        here = counted.setdefault(letter or 0, {})
        here[what] = here.get(what, 0) + number
    return counted


def walking(session: Session, found: FollowUp, limit: int = SHOWN) -> list[Walker]:
    """Return who is on a line now, the one whose step comes first at the top."""
    query = (
        select(
            Subscriber.public_id, Subscriber.email_send, FollowUpStep.position, FollowUpRun.due_at, FollowUpRun.begun_at
        )
        .join(Subscriber, Subscriber.id == FollowUpRun.subscriber_id)
        .join(FollowUpStep, FollowUpStep.id == FollowUpRun.next_step_id)
        .where(FollowUpRun.follow_up_id == found.id, IS_RUNNING)
        .order_by(FollowUpRun.due_at, FollowUpRun.id)
        .limit(limit)
    )
    return [Walker(*row) for row in session.execute(query)]


def log(session: Session, found: FollowUp, limit: int = SHOWN) -> list[Entry]:
    """Return what became of the steps of a line, the newest first."""
    # Of each step its newest: all of them together would be sorted first.
    each = (_newest(FollowUpAct.step_id == step.id, limit) for step in follow_up_step.every(session, found))
    of_steps = [newest.subquery().select() for newest in each]
    if not of_steps:
        return []
    acts = sorted(session.scalars(union_all(*of_steps)), reverse=True)
    return _entries(session, acts[:limit])


def log_of_person(session: Session, person: Subscriber, limit: int = SHOWN) -> list[Entry]:
    """Return what became of the steps of follow-ups for one person, the newest first."""
    return _entries(session, session.scalars(_newest(FollowUpAct.subscriber_id == person.id, limit)).all())


def _newest(those: ColumnElement[bool], limit: int) -> Select[int]:
    return select(FollowUpAct.id).where(those).order_by(FollowUpAct.id.desc()).limit(limit)


def left_out(session: Session, person: Subscriber, limit: int = SHOWN) -> list[LeftOut]:
    """Return the letters to everybody that somebody was left out of, the newest first."""
    query = (
        select(SkippedMail.at, Revision.subject, Campaign.public_id, SkippedMail.planned_at)
        .join(Campaign, Campaign.id == SkippedMail.campaign_id)
        .join(Revision, Revision.id == Campaign.sent_revision_id)
        .where(SkippedMail.subscriber_id == person.id)
        .order_by(SkippedMail.id.desc())
        .limit(limit)
    )
    return [LeftOut(*row) for row in session.execute(query)]


def _entries(session: Session, acts: Sequence[int]) -> list[Entry]:
    """Return what is to be said of these acts, the newest first."""
    newest = (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version)
    query = (
        select(
            FollowUpAct.at, Subscriber.public_id, FollowUp.public_id, FollowUp.name, Revision.subject, FollowUpAct.kind,
            FollowUpAct.why, FollowUpAct.until, Delivery.state, Delivery.refusal_code,
        )
        .join(FollowUpStep, FollowUpStep.id == FollowUpAct.step_id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .join(Campaign, Campaign.id == FollowUpStep.campaign_id)
        .join(Revision, newest)
        .join(Subscriber, Subscriber.id == FollowUpAct.subscriber_id)
        .outerjoin(Delivery, Delivery.id == FollowUpAct.delivery_id)
        .where(among(FollowUpAct.id, "acts"))
        .order_by(FollowUpAct.id.desc())
    )  # fmt: skip
    rows: Sequence[Any] = session.execute(query, {"acts": list(acts)}).all()
    return [Entry(*row) for row in rows]
