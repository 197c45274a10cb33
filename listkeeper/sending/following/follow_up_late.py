"""After a sleep: what should have left while nothing was at work here is spread over hours, not poured out at once.

A machine that slept for a week wakes with a week's steps. They get hours of
their own, by day, and in no hour more than the busiest hour of an ordinary day
brought; whoever has least time left comes first. Whoever gets no hour within
seven days of when her step was due is left out, and it is said so; a renewal is
in time as long as there is a permission.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import renewal
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.foundation.among import among
from listkeeper.sending.following.follow_up_line import Line
from listkeeper.sending.following.follow_up_run import IS_RUNNING, ActKind, FollowUpAct, FollowUpRun

# A step that is due for longer than this is late; quiet hours of a night are shorter.
GRACE = timedelta(hours=12)
TOO_LATE = timedelta(days=7)
# Quiet hours may be longer than a night: a step that waited for their end is not late.
_MARGIN = timedelta(hours=1)
_LOOKED_BACK = timedelta(days=28)
# Where there is no ordinary day to go by yet.
LEAST_AN_HOUR = 20
_DAY = frozenset(range(8, 20))
_HOURS = frozenset(range(24))
_HOUR = timedelta(hours=1)
_MINUTES_AN_HOUR = 60
_MINUTES_A_DAY = 24 * _MINUTES_AN_HOUR
# 2026-11-04 09
_TO_THE_HOUR = 13


def grace(organisation: Organisation) -> timedelta:
    """Return how long a step may be due before it is late."""
    if organisation.quiet_from is None or organisation.quiet_until is None:
        return GRACE
    night = (organisation.quiet_until - organisation.quiet_from) % _MINUTES_A_DAY
    return max(GRACE, timedelta(minutes=night) + _MARGIN)


def latest(session: Session, line: Line, step: FollowUpStep, planned: Sequence[tuple[int, datetime]]) -> list[datetime]:
    """Return until when a step is in time for each of these people, given when it was due first for them."""
    ends: Mapping[int, datetime] = {}
    if step.kind is StepKind.RENEWAL:
        query = select(Subscription.subscriber_id, renewal.ends(line.follow_up.mailing_list)).where(
            Subscription.list_id == line.follow_up.list_id, among(Subscription.subscriber_id, "people")
        )
        found = session.execute(query, {"people": sorted({person for person, _moment in planned})})
        ends = {person: moment for person, moment in found if moment is not None}
    return [ends.get(person, moment + TOO_LATE) for person, moment in planned]


def slots(
    session: Session, organisation: Organisation, zone: str, until: Sequence[datetime], now: datetime
) -> list[datetime | None]:
    """Return a moment from now on for each that is in time until a moment; None for whom no hour has room before that.

    An hour that gets some is by day, and holds no more than an ordinary one together with what is due in it anyway.
    """
    found: list[datetime | None] = [None] * len(until)
    rooms = _rooms(session, organisation, zone, now, max(until, default=now))
    moment = next(rooms, None)
    for place in sorted(range(len(until)), key=until.__getitem__):
        if moment is None:
            break
        if moment <= until[place]:
            found[place] = moment
            moment = next(rooms, None)
    return found


def _rooms(session: Session, organisation: Organisation, zone: str, now: datetime, end: datetime) -> Iterator[datetime]:
    """Yield every moment at which one more may leave, spread evenly over what is left of its hour."""
    room, taken = allowance(session, organisation, now), _taken(session, organisation, now, end)
    hours, there = _open_hours(organisation), ZoneInfo(zone)
    hour = now.replace(minute=0, second=0, microsecond=0)
    while hour <= end:
        free = room - taken[_name(hour)] if hour.astimezone(there).hour in hours else 0
        begins = max(hour, now)
        step = (hour + _HOUR - begins) / max(free, 1)
        yield from (begins + step * number for number in range(free))
        hour += _HOUR


def _open_hours(organisation: Organisation) -> frozenset[int]:
    """Return the hours of the clock in which steps may leave: by day, unless the business rests then."""
    begins, ends = organisation.quiet_from, organisation.quiet_until
    if begins is None or ends is None:
        return _DAY
    night = (ends - begins) % _MINUTES_A_DAY
    # An hour is quiet when any minute of it is.
    open_ones = frozenset(
        hour
        for hour in _HOURS
        if all((hour * _MINUTES_AN_HOUR + minute - begins) % _MINUTES_A_DAY >= night for minute in range(60))
    )
    return open_ones & _DAY or open_ones or _HOURS


def allowance(session: Session, organisation: Organisation, now: datetime) -> int:
    """Return how many steps an hour may hold: as many as the busiest of the last four weeks."""
    hour = _to_the_hour(session, FollowUpAct.at)
    busy = (
        select(func.count().label("mails"))
        .select_from(FollowUpAct)
        .join(FollowUpStep, FollowUpStep.id == FollowUpAct.step_id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(FollowUp.organisation_id == organisation.id, *_mailed(), FollowUpAct.at > now - _LOOKED_BACK)
        .group_by(hour)
        .subquery()
    )
    return max(LEAST_AN_HOUR, session.scalar(select(func.max(busy.c.mails))) or 0)


def _mailed() -> tuple[ColumnElement[bool], ...]:
    # What left has no reason why not, which the index of acts is asked for before their moment.
    return FollowUpAct.kind == ActKind.MAILED, FollowUpAct.why.is_(None)


def _to_the_hour(session: Session, moment: ColumnElement[datetime] | object) -> ColumnElement[str]:
    """Return a moment up to its hour in UTC, as ``_name`` writes it."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD HH24")
    return func.substr(cast(moment, String), 1, _TO_THE_HOUR)


def _name(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H}"


def _taken(session: Session, organisation: Organisation, now: datetime, end: datetime) -> Counter[str]:
    """Return what is due in the hour that is running and in those to come, and what has left in it, by hour."""
    found: Counter[str] = Counter()
    begun = now.replace(minute=0, second=0, microsecond=0)
    hour = _to_the_hour(session, FollowUpRun.due_at)
    ahead = (
        select(hour, func.count())
        .join(FollowUp, FollowUp.id == FollowUpRun.follow_up_id)
        .where(
            FollowUp.organisation_id == organisation.id,
            FollowUp.state == FollowUpState.ON,
            IS_RUNNING,
            # What waits for an hour itself has been due for longer.
            FollowUpRun.due_at >= begun,
            FollowUpRun.due_at < end + _HOUR,
        )
        .group_by(hour)
    )
    for name, number in session.execute(ahead):
        found[name] += number
    gone = (
        select(func.count())
        .select_from(FollowUpAct)
        .join(FollowUpStep, FollowUpStep.id == FollowUpAct.step_id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(FollowUp.organisation_id == organisation.id, *_mailed(), FollowUpAct.at >= begun)
    )
    found[_name(begun)] += session.scalar(gone) or 0
    return found
