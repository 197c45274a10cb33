"""Planning the steps that are due: some thousand runs of one line at a time, each batch in a transaction of its own.

A step becomes a delivery like any other, with an occasion of its own: the gate
decides about it, workers lease it, and a planner that dies halfway has planned
a batch whole or not at all. Two planners at once take turns, so that neither
the cap nor the hours between two letters are passed by both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import String, Table, bindparam, insert, literal, select, update
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.foundation import clock, throttle
from listkeeper.foundation.among import among
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.following import follow_up_line, follow_up_stop, follow_up_verdict
from listkeeper.sending.following.follow_up_line import GoesOn, Line
from listkeeper.sending.following.follow_up_run import IS_RUNNING, ActKind, FollowUpAct, FollowUpRun
from listkeeper.sending.following.follow_up_verdict import Due, Verdict

AT_ONCE = 5_000
_RUN = cast("Table", FollowUpRun.__table__).c
_ACT = cast("Table", FollowUpAct.__table__)


def plan(session: Session, found: FollowUp, *, site: str, practice: bool = False, most: int = AT_ONCE) -> int:
    """Decide about the runs of a line whose next step is due; return about how many (0: nothing is due)."""
    # One line of a business after the other: what a step of another line brings her now is seen, or waited for.
    throttle.take_turns(session, "follow-up", str(found.organisation_id))
    # Shared with whoever looks only; pausing it waits for this batch.
    session.flush()
    session.refresh(found, with_for_update={"read": True})
    if found.state is not FollowUpState.ON:
        return 0
    now, line = clock.now(), follow_up_line.of(session, found)
    rows = _due(session, found, now, most)
    if not rows:
        return 0
    people = [row.subscriber_id for row in rows]
    runs = [row.run_id for row in rows]
    ended = follow_up_stop.found(session, found, runs, people, now, practice=practice)
    follow_up_line.stop(session, ended, now)
    for step_id in dict.fromkeys(row.step_id for row in rows):
        going = [row for row in rows if row.step_id == step_id and row.run_id not in ended]
        if going:
            _decide(session, line, line.known[step_id], going, now, site=site)
    session.expire_all()
    return len(rows)


def _due(session: Session, found: FollowUp, now: datetime, most: int) -> list[Due]:
    query = (
        select(_RUN.id, _RUN.subscriber_id, _RUN.next_step_id, _RUN.planned_for, _RUN.due_at)
        .where(
            _RUN.follow_up_id == found.id,
            IS_RUNNING,
            _RUN.due_at <= now,
            _RUN.delivery_id.is_(None),
            _RUN.next_step_id.is_not(None),
        )
        .order_by(_RUN.due_at, _RUN.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [Due._make(row) for row in session.execute(query)]


def _decide(  # noqa: PLR0913 - whose step, who is due, and when
    session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime, *, site: str
) -> None:
    if step.removed_at is not None:
        _pass_over(session, line, rows, now)
        return
    verdicts = follow_up_verdict.of_step(session, line, step, rows, now)
    going = [row for row in rows if row.run_id not in verdicts]
    if going:
        _mail(session, line, step, going, now, site=site)
    _write(session, step, [row for row in rows if row.run_id in verdicts], verdicts, now)
    skipped = [row for row in rows if row.run_id in verdicts and verdicts[row.run_id].until is None]
    _pass_over(session, line, skipped, now)


def _pass_over(session: Session, line: Line, rows: Sequence[Due], now: datetime) -> None:
    follow_up_line.go_on(session, line, [GoesOn(row.run_id, row.subscriber_id, row.step_id, now) for row in rows])


def _write(
    session: Session, step: FollowUpStep, rows: Sequence[Due], verdicts: Mapping[int, Verdict], now: datetime
) -> None:
    """Write down what is left out and put off, and let what is put off wait."""
    if not rows:
        return
    acts = [
        {
            "run_id": row.run_id,
            "step_id": step.id,
            "subscriber_id": row.subscriber_id,
            "kind": ActKind.SKIPPED if verdicts[row.run_id].until is None else ActKind.POSTPONED,
            "why": verdicts[row.run_id].why,
            "until": verdicts[row.run_id].until,
            "at": now,
        }
        for row in rows
    ]
    connection = session.connection()
    connection.execute(insert(_ACT), acts)
    later = [{"run": act["run_id"], "due": act["until"]} for act in acts if act["until"] is not None]
    if later:
        connection.execute(_PUT_OFF, later)


_PUT_OFF = (
    update(cast("Table", FollowUpRun.__table__)).where(_RUN.id == bindparam("run")).values(due_at=bindparam("due"))
)


def _mail(  # noqa: PLR0913 - whose step, who gets it, and when
    session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime, *, site: str
) -> None:
    """Make one waiting delivery for each of these runs, by the database itself, and note that it was made."""
    if step.chosen is not None:
        organisation = session.get_one(Organisation, line.organisation.id)
        follow_up_step.compile_words(session, organisation, step, step.chosen, site=site)
    chosen = {"runs": [row.run_id for row in rows]}
    occasion = literal("follow-up:", String).concat(as_type(_RUN.id, String)).concat(f":{step.id}")
    session.flush()
    connection = session.connection()
    connection.execute(_deliveries(line, step, occasion, now), chosen)
    of_run = select(Delivery.id).where(Delivery.occasion == occasion).correlate(FollowUpRun).scalar_subquery()
    connection.execute(
        update(FollowUpRun).where(among(_RUN.id, "runs")).values(delivery_id=of_run, due_at=None), chosen
    )
    values: dict[str, Any] = {
        "run_id": _RUN.id,
        "step_id": literal(step.id),
        "subscriber_id": _RUN.subscriber_id,
        "kind": literal(ActKind.MAILED, FollowUpAct.kind.type),
        "delivery_id": _RUN.delivery_id,
        "at": literal(now, FollowUpAct.at.type),
    }
    acts = select(*values.values()).where(among(_RUN.id, "runs")).order_by(_RUN.id)
    connection.execute(insert(_ACT).from_select(list(values), acts, include_defaults=False), chosen)


def _deliveries(line: Line, step: FollowUpStep, occasion: Any, now: datetime) -> Any:  # noqa: ANN401 - statements of Core
    values = {
        Delivery.organisation_id: literal(line.organisation.id),
        Delivery.message_class: literal(MessageClass.MARKETING, Delivery.message_class.type),
        Delivery.lane: literal(Lane.SENDING, Delivery.lane.type),
        Delivery.occasion: occasion,
        Delivery.state: literal(DeliveryState.QUEUED, Delivery.state.type),
        Delivery.campaign_id: literal(step.campaign_id),
        Delivery.revision_id: literal(step.revision_id),
        Delivery.subscriber_id: _RUN.subscriber_id,
        Delivery.list_id: literal(line.follow_up.list_id),
        Delivery.letters_before: literal(0),
        Delivery.due_at: literal(now, Delivery.due_at.type),
        Delivery.attempts: literal(0),
        Delivery.round: _RUN.round,
        Delivery.created_at: literal(now, Delivery.created_at.type),
    }
    rows = select(*values.values()).where(among(_RUN.id, "runs")).order_by(_RUN.id)
    return insert(Delivery).from_select(list(values), rows, include_defaults=False)
