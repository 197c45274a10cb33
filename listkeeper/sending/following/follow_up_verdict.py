"""What becomes of a step that is due, for all whose step it is at once: it leaves, is left out, or put off.

Asked in this order: whether the step is right for her (its condition, its kind,
its words), whether it comes too late, whether something else reaches her just
now, and whether she has had her number of letters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import profile, profile_question
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.foundation.among import among
from listkeeper.sending import frequency_cap, waiting
from listkeeper.sending.delivery import LEFT, OPEN, Delivery
from listkeeper.sending.following import follow_up_entry, follow_up_late, follow_up_stop
from listkeeper.sending.following.follow_up_line import Line
from listkeeper.sending.following.follow_up_run import Reason

# Two letters of follow-ups, or a welcome and one, never reach somebody at once.
APART = timedelta(hours=12)
_LONGEST_PUT_OFF = timedelta(days=7)
# A permission is renewed before it ends, also where the line begins with something that ends later.
_RENEWED_WITHIN = 90


class Due(NamedTuple):
    """A run whose next step is due."""

    run_id: int
    subscriber_id: int
    step_id: int
    planned_for: datetime
    due_at: datetime


@dataclass(frozen=True)
class Verdict:
    """Why a step does not leave now; with a moment it is put off until then, without one it is left out."""

    why: Reason
    until: datetime | None = None


_Ask = Callable[[Session, Line, FollowUpStep, Sequence[Due], datetime], dict[int, Verdict]]


def of_step(session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime) -> dict[int, Verdict]:
    """Return which of the due do not get a step now, by run; whoever is missing gets it."""
    found: dict[int, Verdict] = {}
    for ask in _ASKED:
        still = [row for row in rows if row.run_id not in found]
        if still:
            found |= ask(session, line, step, still, now)
    return found


def _skipped(rows: Collection[Due], why: Reason) -> dict[int, Verdict]:
    return {row.run_id: Verdict(why) for row in rows}


def _words(session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime) -> dict[int, Verdict]:
    del session, line, now
    return _skipped(rows, Reason.NO_WORDS) if step.revision_id is None else {}


def _lateness(
    session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime
) -> dict[int, Verdict]:
    """Leave out what comes too late, and spread what slept; a renewal is in time as long as there is a permission."""
    slept = [row for row in rows if now - row.due_at > follow_up_late.grace(line.organisation)]
    if not slept:
        return {}
    until = follow_up_late.latest(session, line, step, [(row.subscriber_id, row.planned_for) for row in slept])
    moments = follow_up_late.slots(session, line.organisation, line.home, until, now)
    found = _skipped([row for row, moment in zip(slept, moments, strict=True) if moment is None], Reason.TOO_LATE)
    spread = {row.run_id: moment for row, moment in zip(slept, moments, strict=True) if moment and moment > now}
    return found | {run: Verdict(Reason.CAME_LATE, moment) for run, moment in spread.items()}


def _condition(
    session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime
) -> dict[int, Verdict]:
    del line, now
    if step.segment_id is None:
        return {}
    inside = follow_up_stop.members(session, step.segment_id, [row.subscriber_id for row in rows])
    return _skipped([row for row in rows if row.subscriber_id not in inside], Reason.CONDITION)


def _kind(session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime) -> dict[int, Verdict]:
    people = [row.subscriber_id for row in rows]
    match step.kind:
        case StepKind.ASK_ONE_MORE:
            able, why = _askable(session, line, people), Reason.NOTHING_TO_ASK
        case StepKind.RENEWAL:
            able, why = _renewable(session, line, people, now), Reason.NOTHING_TO_RENEW
        case _:
            return {}
    return _skipped([row for row in rows if row.subscriber_id not in able], why)


def _askable(session: Session, line: Line, people: Collection[int]) -> set[int]:
    asked = profile_question.asked_on(session, [line.follow_up.list_id])
    if not asked:
        return set()
    given = profile.answers_of(session, people)
    return {person for person in people if profile.next_of(asked, given[person]) is not None}


def _renewable(session: Session, line: Line, people: Collection[int], now: datetime) -> set[int]:
    days = line.follow_up.days_before or _RENEWED_WITHIN
    query = select(Subscription.subscriber_id).where(
        Subscription.list_id == line.follow_up.list_id,
        among(Subscription.subscriber_id, "people"),
        *follow_up_entry.renewable(line.follow_up.mailing_list, now, days),
    )
    return set(session.scalars(query, {"people": sorted(people)}))


def _apart(session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime) -> dict[int, Verdict]:
    """Put off what would come together with another letter of this kind; the first of two runs goes first.

    What another letter keeps away for long is left out: that one may wait for days itself, put off by its receiver.
    """
    del line, step
    last = _last(session, [row.subscriber_id for row in rows], now)
    found: dict[int, Verdict] = {}
    going: set[int] = set()
    for row in rows:
        if row.subscriber_id in going or row.subscriber_id in last:
            found[row.run_id] = _later(row, Reason.ANOTHER, last.get(row.subscriber_id, now) + APART)
        else:
            going.add(row.subscriber_id)
    return found


def _later(row: Due, why: Reason, moment: datetime) -> Verdict:
    """Put a step off to a moment, or leave it out where that is too far from when it was due."""
    return Verdict(why, moment if moment - row.planned_for <= _LONGEST_PUT_OFF else None)


def _last(session: Session, people: Collection[int], now: datetime) -> Mapping[int, datetime]:
    """Return when a welcome or a step reached these people last, if that was just now; what waits reaches them now."""
    of_kind = or_(Campaign.kind == CampaignKind.FOLLOW_UP, Delivery.notice == NoticeKind.WELCOME)
    query = (
        select(Delivery.subscriber_id, Delivery.state, Delivery.handed_at)
        .outerjoin(Campaign, Campaign.id == Delivery.campaign_id)
        .where(
            among(Delivery.subscriber_id, "people"),
            Delivery.message_class == MessageClass.MARKETING,
            of_kind,
            # What stands still with its line reaches nobody, for however long that is.
            (Delivery.state.in_(sorted(OPEN)) & waiting.is_moving())
            | (Delivery.state.in_(sorted(LEFT)) & (Delivery.handed_at > now - APART)),
        )
    )
    found: dict[int, datetime] = {}
    for person, state, handed in session.execute(query, {"people": sorted(set(people))}):
        moment = now if state in OPEN or handed is None else handed
        if person is not None:
            found[person] = max(moment, found.get(person, moment))
    return found


def _cap(session: Session, line: Line, step: FollowUpStep, rows: Sequence[Due], now: datetime) -> dict[int, Verdict]:
    """Put off to the first moment that the cap allows, or leave out where that is too far from when it was due."""
    del step
    free = frequency_cap.free_from(session, line.organisation, [row.subscriber_id for row in rows], now)
    found = {}
    for row in rows:
        moment = free.get(row.subscriber_id)
        if moment is not None:
            found[row.run_id] = _later(row, Reason.CAP, max(moment, now))
    return found


_ASKED: tuple[_Ask, ...] = (_words, _condition, _kind, _lateness, _apart, _cap)
