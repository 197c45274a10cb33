"""Setting out: how somebody comes to stand at the beginning of a line, once for each occasion.

After a yes and after an event, by the fact itself. Whose permission ends, and
who has come into a segment, is looked for on the clock, all at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, func, insert, literal, null, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from listkeeper.audience import renewal, subscriber, subscription
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.audience.segments import segment_query
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.campaigns import follow_up, follow_up_step
from listkeeper.campaigns.follow_up import FollowUp, Trigger
from listkeeper.foundation import clock, moments
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.sending import reader_zones
from listkeeper.sending.following import follow_up_line
from listkeeper.sending.following.follow_up_line import Line
from listkeeper.sending.following.follow_up_run import IS_RUNNING, FollowUpRun, RunState, StopWhy

# What a shop tells later than this is history, and begins nothing.
OLDEST_EVENT = timedelta(days=30)
EVERY = timedelta(days=1)
_YES = "yes"


def after_yes(session: Session, event_id: int) -> int:
    """Let whoever said yes set out on the lines that begin with it; once in her life. Returns on how many."""
    event = session.get_one(ConsentEvent, event_id)
    lines = follow_up.on(session, FollowUp.list_id == event.list_id, FollowUp.trigger == Trigger.SAID_YES)
    if not lines or event.ledger_id is None:
        return 0
    people = subscriber.hold_all(session, select(Subscriber).where(Subscriber.subject_ref == event.subject_ref))
    return sum(_set_out(session, line, person, _YES, event.at) for person in people for line in lines)


def after_event(session: Session, posted_id: int) -> int:
    """Let whom an event is about set out on the lines that begin with it; returns on how many."""
    told = session.get(PostedEvent, posted_id)
    if told is None or told.at < clock.now() - OLDEST_EVENT:
        return 0
    lines = follow_up.on(
        session,
        FollowUp.organisation_id == told.organisation_id,
        FollowUp.trigger == Trigger.EVENT,
        FollowUp.event_name == told.name,
    )
    person = subscriber.hold(session, told.subscriber_id) if lines and told.subscriber_id is not None else None
    if person is None:
        return 0
    return sum(
        _set_out(session, line, person, f"event:{told.id}", told.at)
        for line in lines
        if _is_on_list(session, line, person) and not _is_too_soon(session, line, person, told.at)
    )


def _is_on_list(session: Session, line: FollowUp, person: Subscriber) -> bool:
    held = subscription.of(session, person.id, line.list_id)
    return held is not None and held.state is SubscriptionState.CONFIRMED


def _is_too_soon(session: Session, line: FollowUp, person: Subscriber, at: datetime) -> bool:
    last = select(func.max(FollowUpRun.begun_at)).where(
        FollowUpRun.follow_up_id == line.id, FollowUpRun.subscriber_id == person.id
    )
    # Somebody who is still on the line is not sent along it twice at once.
    running = select(FollowUpRun.id).where(
        FollowUpRun.follow_up_id == line.id,
        FollowUpRun.subscriber_id == person.id,
        FollowUpRun.state == RunState.RUNNING,
    )
    before = session.scalar(last)
    too_soon = before is not None and at < before + timedelta(days=line.again_after_days)
    return too_soon or session.scalar(running.limit(1)) is not None


def _set_out(session: Session, found: FollowUp, person: Subscriber, occasion: str, at: datetime) -> int:
    line = follow_up_line.of(session, found)
    if line.first is None:
        return 0
    zone = follow_up_line.zones(session, line, [person.id]).get(person.id, line.home)
    due = follow_up_step.due(line.first, at, zone)
    before = select(func.count()).where(FollowUpRun.follow_up_id == found.id, FollowUpRun.subscriber_id == person.id)
    values = {
        "follow_up_id": found.id, "subscriber_id": person.id, "occasion": occasion, "state": RunState.RUNNING,
        "round": session.scalar(before) or 0, "next_step_id": line.first.id, "planned_for": due, "due_at": due,
        "begun_at": at,
    }  # fmt: skip
    kind = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    made = session.execute(kind(FollowUpRun).values(values).on_conflict_do_nothing().returning(FollowUpRun.id))
    return len(made.all())


def look(session: Session, found: FollowUp, *, practice: bool) -> int:
    """Let everybody set out who has come into the segment, or whose permission ends soon; return how many.

    Looked once a day; the caller says when.
    """
    follow_up.lock(session, found)
    line = follow_up_line.of(session, found)
    if found.state is not follow_up.FollowUpState.ON or line.first is None:
        return 0
    found.looked_at = now = clock.now()
    people = _people(session, found, now, practice=practice)
    return 0 if people is None else _set_all_out(session, line, people, now)


def is_due(found: FollowUp, now: datetime) -> bool:
    """Return whether it is time to look who sets out."""
    polled = found.trigger in {Trigger.SEGMENT, Trigger.CONSENT_ENDS}
    return polled and (found.looked_at is None or found.looked_at <= now - EVERY)


def _people(session: Session, found: FollowUp, now: datetime, *, practice: bool) -> Select[int, str] | None:
    """Return the SELECT of who may set out (subscriber, occasion); None where it begins with something else."""
    may = subscription.mailable(found.mailing_list, practice=practice).order_by(None)
    if found.trigger is Trigger.CONSENT_ENDS:
        occasion = literal("ends:", String).concat(moments.day_of(renewal.ends(found.mailing_list)))
        return may.with_only_columns(Subscriber.id.label("person"), occasion.label("occasion")).where(
            *renewable(found.mailing_list, now, found.days_before or 0)
        )
    known = session.get(Segment, found.segment_id) if found.segment_id is not None else None
    if known is None:
        return None
    inside = segment_query.members(session, known).order_by(None)
    # Of each segment once: who came by another one before, or was there, may come by this one too.
    occasion = literal(found.begins_with, String)
    chosen = may.with_only_columns(Subscriber.id.label("person"), occasion.label("occasion"))
    return chosen.where(Subscriber.id.in_(inside))


def renewable(mailing_list: MailingList, now: datetime, days: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on a subscription to a list that is alive, rests on something, and ends by itself soon."""
    ends = renewal.ends(mailing_list)
    return (
        Subscription.state == SubscriptionState.CONFIRMED,
        Subscription.basis != Basis.NONE,
        ends > now,
        ends <= now + timedelta(days=days),
    )


def _set_all_out(session: Session, line: Line, people: Select[int, str], now: datetime) -> int:
    here = select(literal(1)).where(
        FollowUpRun.follow_up_id == line.follow_up.id, FollowUpRun.subscriber_id == Subscriber.id, IS_RUNNING
    )
    # Who is still on the line is found again when she has reached its end: nobody is sent along it twice at once.
    free = people.where(~here.correlate(Subscriber).exists())
    chosen = free.add_columns(Subscriber.time_zone.label("zone")).subquery()
    running = {
        FollowUpRun.state: literal(RunState.RUNNING, FollowUpRun.state.type),
        FollowUpRun.next_step_id: literal(line.first.id if line.first else None),
        FollowUpRun.planned_for: _first_due(session, line, chosen.c.zone, now),
        FollowUpRun.due_at: _first_due(session, line, chosen.c.zone, now),
    }
    return _insert(session, line.follow_up, chosen, now, running)


def _first_due(session: Session, line: Line, zone: ColumnElement[str], now: datetime) -> ColumnElement[datetime]:
    if line.first is None:
        return null().cast(UtcDateTime())
    at_home = literal(follow_up_step.due(line.first, now, line.home), UtcDateTime())
    if not line.follow_up.each_zone:
        return at_home
    others = {
        name: literal(follow_up_step.due(line.first, now, name), UtcDateTime())
        for name in reader_zones.known(session, line.follow_up.mailing_list)
    }
    return case(others, value=zone, else_=at_home) if others else at_home


def _insert(session: Session, found: FollowUp, chosen: Any, now: datetime, more: dict[Any, Any]) -> int:  # noqa: ANN401 - a subquery
    known = select(literal(1)).where(
        FollowUpRun.follow_up_id == found.id,
        FollowUpRun.subscriber_id == chosen.c.person,
        FollowUpRun.occasion == chosen.c.occasion,
    )
    before = select(func.count()).where(
        FollowUpRun.follow_up_id == found.id, FollowUpRun.subscriber_id == chosen.c.person
    )
    values = {
        FollowUpRun.follow_up_id: literal(found.id),
        FollowUpRun.subscriber_id: chosen.c.person,
        FollowUpRun.occasion: chosen.c.occasion,
        FollowUpRun.round: before.correlate(chosen).scalar_subquery(),
        FollowUpRun.begun_at: literal(now, FollowUpRun.begun_at.type),
        **more,
    }
    rows = select(*values.values()).select_from(chosen).where(~known.correlate(chosen).exists())
    made = insert(FollowUpRun).from_select(list(values), rows, include_defaults=False)
    return len(session.execute(made.returning(FollowUpRun.id)).all())


def remember_those_there(session: Session, found: FollowUp, *, practice: bool) -> int:
    """Note who is there already, so that none of them sets out; return how many."""
    now = clock.now()
    polled = found.trigger in {Trigger.SEGMENT, Trigger.CONSENT_ENDS}
    people = _people(session, found, now, practice=practice) if polled else None
    if people is None:
        return 0
    stopped = {
        FollowUpRun.state: literal(RunState.STOPPED, FollowUpRun.state.type),
        FollowUpRun.why: literal(StopWhy.WAS_THERE, FollowUpRun.why.type),
        FollowUpRun.ended_at: literal(now, FollowUpRun.ended_at.type),
    }
    return _insert(session, found, people.subquery(), now, stopped)
