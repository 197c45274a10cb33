"""After a sleep: what should have left while nothing was at work here is spread over hours, not poured out at once.

A machine that slept for a week wakes with a week's steps. Whatever is more than
seven days late is left out, and said so. The rest gets hours of its own, by
day, and in no hour more than the busiest hour of an ordinary day brought.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.sending.follow_up_run import IS_RUNNING, ActKind, FollowUpAct, FollowUpRun

# A step that is due for longer than this is late; quiet hours of a night are shorter.
GRACE = timedelta(hours=12)
TOO_LATE = timedelta(days=7)
# Quiet hours may be longer than a night: a step that waited for their end is not late.
_MARGIN = timedelta(hours=1)
_LOOKED_BACK = timedelta(days=28)
# Where there is no ordinary day to go by yet.
LEAST_AN_HOUR = 20
_DAY_BEGINS, _DAY_ENDS = 8, 20
_HOUR = timedelta(hours=1)
_MINUTES_A_DAY = 24 * 60
# 2026-11-04 09
_TO_THE_HOUR = 13
_FURTHEST = 24 * 60


def grace(organisation: Organisation) -> timedelta:
    """Return how long a step may be due before it is late."""
    if organisation.quiet_from is None or organisation.quiet_until is None:
        return GRACE
    night = (organisation.quiet_until - organisation.quiet_from) % _MINUTES_A_DAY
    return max(GRACE, timedelta(minutes=night) + _MARGIN)


def allowance(session: Session, organisation: Organisation, now: datetime) -> int:
    """Return how many steps an hour may hold: as many as the busiest of the last four weeks."""
    hour = func.substr(cast(FollowUpAct.at, String), 1, _TO_THE_HOUR)
    busy = (
        select(func.count().label("mails"))
        .select_from(FollowUpAct)
        .join(FollowUpStep, FollowUpStep.id == FollowUpAct.step_id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(
            FollowUp.organisation_id == organisation.id,
            FollowUpAct.kind == ActKind.MAILED,
            FollowUpAct.at > now - _LOOKED_BACK,
        )
        .group_by(hour)
        .subquery()
    )
    return max(LEAST_AN_HOUR, session.scalar(select(func.max(busy.c.mails))) or 0)


def slots(session: Session, organisation: Organisation, zone: str, count: int, now: datetime) -> Sequence[datetime]:
    """Return so many moments from now on, by day, each in an hour that still has room."""
    room = allowance(session, organisation, now)
    taken = _taken(session, organisation, now)
    found: list[datetime] = []
    hour = now.replace(minute=0, second=0, microsecond=0)
    for _ in range(_FURTHEST):
        free = room - taken[_name(hour)] if _by_day(hour, zone) else 0
        begins = max(hour, now)
        step = (hour + _HOUR - begins) / max(free, 1)
        found += [begins + step * number for number in range(min(max(free, 0), count - len(found)))]
        if len(found) == count:
            break
        hour += _HOUR
    # Further than two months ahead nobody looks: the last hour takes them.
    return found + [hour] * (count - len(found))


def _by_day(hour: datetime, zone: str) -> bool:
    return _DAY_BEGINS <= hour.astimezone(ZoneInfo(zone)).hour < _DAY_ENDS


def _name(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H}"


def _taken(session: Session, organisation: Organisation, now: datetime) -> Counter[str]:
    """Return what is due in the hours to come, and what has left in the one that is running, by hour."""
    found: Counter[str] = Counter()
    # Counted by minutes in Python's own words: databases write a moment each in its own way.
    ahead = (
        select(FollowUpRun.due_at, func.count())
        .join(FollowUp, FollowUp.id == FollowUpRun.follow_up_id)
        .where(
            FollowUp.organisation_id == organisation.id,
            FollowUp.state == FollowUpState.ON,
            IS_RUNNING,
            FollowUpRun.due_at > now,
            FollowUpRun.due_at < now + 2 * TOO_LATE,
        )
        .group_by(FollowUpRun.due_at)
    )
    for moment, number in session.execute(ahead):
        if moment is not None:
            found[_name(moment)] += number
    begun = now.replace(minute=0, second=0, microsecond=0)
    gone = (
        select(func.count())
        .select_from(FollowUpAct)
        .join(FollowUpStep, FollowUpStep.id == FollowUpAct.step_id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(FollowUp.organisation_id == organisation.id, FollowUpAct.kind == ActKind.MAILED, FollowUpAct.at >= begun)
    )
    found[_name(begun)] += session.scalar(gone) or 0
    return found
