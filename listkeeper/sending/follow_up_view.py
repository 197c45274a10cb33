"""What there is to see of follow-ups: numbers for each step, who is on a line, what became of each step for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.sending.delivery import LEFT, Delivery, DeliveryState
from listkeeper.sending.follow_up_run import IS_RUNNING, ActKind, FollowUpAct, FollowUpRun, Reason, RunState, StopWhy
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
    query = (
        select(FollowUpRun.state, FollowUpRun.why, func.count())
        .where(FollowUpRun.follow_up_id == found.id)
        .group_by(FollowUpRun.state, FollowUpRun.why)
    )
    counted = {(state, why): number for state, why, number in session.execute(query)}
    return LineNumbers(
        running=counted.get((RunState.RUNNING, None), 0),
        finished=counted.get((RunState.FINISHED, None), 0),
        stopped={why: number for (state, why), number in counted.items() if state is RunState.STOPPED and why},
    )


def numbers(session: Session, found: FollowUp) -> dict[int, StepNumbers]:
    """Count what became of each step, by its number; a fixed number of queries, however many walked along."""
    of_line = select(FollowUpStep.id).where(FollowUpStep.follow_up_id == found.id)
    acts: dict[int, dict[tuple[ActKind, Reason | None], int]] = {}
    grouped = (
        select(FollowUpAct.step_id, FollowUpAct.kind, FollowUpAct.why, func.count())
        .where(FollowUpAct.step_id.in_(of_line))
        .group_by(FollowUpAct.step_id, FollowUpAct.kind, FollowUpAct.why)
    )
    for step, kind, why, number in session.execute(grouped):
        acts.setdefault(step, {})[kind, why] = number
    mails = _mails(session, found)
    waiting = (
        select(FollowUpRun.next_step_id, func.count())
        .where(FollowUpRun.follow_up_id == found.id, IS_RUNNING, FollowUpRun.delivery_id.is_(None))
        .group_by(FollowUpRun.next_step_id)
    )
    standing = {row[0]: row[1] for row in session.execute(waiting)}
    return {
        step: StepNumbers(
            mailed=mails.get(step, {}).get("left", 0),
            under_way=mails.get(step, {}).get("open", 0),
            not_taken=mails.get(step, {}).get("home", 0),
            waiting=standing.get(step, 0),
            skipped=_by_reason(acts.get(step, {}), ActKind.SKIPPED),
            put_off=_by_reason(acts.get(step, {}), ActKind.POSTPONED),
        )
        for step in session.scalars(of_line)
    }


def _by_reason(acts: Mapping[tuple[ActKind, Reason | None], int], wanted: ActKind) -> dict[Reason, int]:
    return {why: number for (kind, why), number in acts.items() if kind is wanted and why is not None}


_HOME = frozenset({DeliveryState.REFUSED, DeliveryState.FAILED, DeliveryState.CANCELLED})


def _mails(session: Session, found: FollowUp) -> dict[int, dict[str, int]]:
    query = (
        select(FollowUpStep.id, Delivery.state, func.count())
        .join(Delivery, Delivery.campaign_id == FollowUpStep.campaign_id)
        .where(FollowUpStep.follow_up_id == found.id)
        .group_by(FollowUpStep.id, Delivery.state)
    )
    counted: dict[int, dict[str, int]] = {}
    for step, state, number in session.execute(query):
        what = "left" if state in LEFT else "home" if state in _HOME else "open"
        here = counted.setdefault(step, {})
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
    return _entries(session, _acts().where(FollowUp.id == found.id), limit)


def log_of_person(session: Session, person: Subscriber, limit: int = SHOWN) -> list[Entry]:
    """Return what became of the steps of follow-ups for one person, the newest first."""
    return _entries(session, _acts().where(FollowUpAct.subscriber_id == person.id), limit)


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


def _acts() -> Any:  # noqa: ANN401 - a SELECT of ten columns
    newest = (Revision.campaign_id == Campaign.id) & (Revision.number == Campaign.version)
    return (
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
    )  # fmt: skip


def _entries(session: Session, query: Any, limit: int) -> list[Entry]:  # noqa: ANN401 - the same
    rows = session.execute(query.order_by(FollowUpAct.id.desc()).limit(limit))
    return [Entry(*row) for row in rows]
