"""What waits to leave, since when, and why: for people who look, and for machines that watch.

Cheap at any size: the age of the oldest row, what is under way, in doubt or put
off. Counting what waits reads every waiting row, a fifth of a second for a
million of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import pilot
from listkeeper.sending.delivery import IS_IN_DOUBT, IS_PUT_OFF, IS_UNDER_WAY, IS_WAITING, Delivery, DeliveryState

S = DeliveryState


# Letters that their owner has let go, and that are not over.
_NOT_OVER = (CampaignState.SCHEDULED, CampaignState.HELD, CampaignState.SENDING, CampaignState.PAUSED)


class Why(StrEnum):
    """Why a letter does not move, as far as its own rows tell."""

    SCHEDULED = "scheduled"
    # Its time passed while nothing was at work here: its owner is asked.
    LATE = "late"
    HELD = "held"
    PAUSED = "paused"
    # The few that go first have left, and the others wait for what comes of them.
    WATCHED = "watched"
    # The same, and the owner is to say what becomes of the others.
    ASKS = "asks"
    # No letter leaves at this hour, as its business has chosen.
    QUIET = "quiet"
    # All that waits is due later: put off by receivers, or held back by the pace.
    LATER = "later"


@dataclass(frozen=True)
class Depth:
    """How many rows wait: due now, and due later."""

    due: int = 0
    later: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One lane: what waits there, and since when the oldest of what may leave has been due."""

    lane: Lane
    due: int
    later: int
    oldest: datetime | None


@dataclass(frozen=True)
class Letter:
    """One letter on its way: what of it waits, and why it does not move."""

    public_id: str
    subject: str
    state: CampaignState
    recipients: int
    due: int
    later: int
    oldest: datetime | None
    why: Why | None
    # What stopped it, for ``halt.words``.
    halted: Mapping[str, Any] | None
    # When it goes on by itself, where that is known.
    until: datetime | None


@dataclass(frozen=True)
class PutOff:
    """One mailbox provider (None: not known) that said not now, and when the next of its mails is tried again."""

    provider: str | None
    number: int
    next_at: datetime


@dataclass(frozen=True)
class Queue:
    """All of it."""

    lines: list[Line]
    letters: list[Letter]
    put_off: list[PutOff]
    leased: int
    handed: int
    in_doubt: int


def look(session: Session, late: timedelta = schedule.LATE) -> Queue:
    """Count what waits and say why; ``late`` is how long after its time a letter may still begin by itself."""
    depths = _depths(session)
    moving = under_way(session)
    return Queue(
        lines=_lines(session, depths),
        letters=_letters(session, depths, late),
        put_off=put_off(session),
        leased=moving[S.LEASED],
        handed=moving[S.HANDED],
        in_doubt=in_doubt(session),
    )


# The place of a row in the queue: lane, campaign, and which wave of it.
_Place = tuple[Lane, int | None, int]


def _depths(session: Session) -> dict[_Place, Depth]:
    due = func.sum(case((Delivery.due_at <= clock.now(), 1), else_=0))
    place = (Delivery.lane, Delivery.campaign_id, Delivery.wave)
    query = select(*place, due, func.count(), func.min(Delivery.due_at)).where(IS_WAITING).group_by(*place)
    return {(row[0], row[1], row[2]): Depth(row[3], row[4] - row[3], row[5]) for row in session.execute(query)}


def _lines(session: Session, depths: dict[_Place, Depth]) -> list[Line]:
    oldest = oldest_due(session)
    return [
        Line(
            lane,
            sum(depth.due for place, depth in depths.items() if place[0] is lane),
            sum(depth.later for place, depth in depths.items() if place[0] is lane),
            oldest[lane],
        )
        for lane in Lane
    ]


def _letters(session: Session, depths: dict[_Place, Depth], late: timedelta) -> list[Letter]:
    query = select(Campaign).where(Campaign.state.in_(_NOT_OVER)).order_by(Campaign.id)
    resting = quiet_hours.rests(session, clock.now())
    return [_letter(session, row, depths, late, resting.get(row.organisation_id)) for row in session.scalars(query)]


def _letter(
    session: Session, row: Campaign, depths: dict[_Place, Depth], late: timedelta, rests_until: datetime | None
) -> Letter:
    waves = {place[2]: depth for place, depth in depths.items() if place[1] == row.id}
    open_ones = [depth for wave, depth in waves.items() if wave <= row.waves_open]
    later = sum(depth.later for depth in waves.values())
    why, until = _why(row, open_ones, late, watched=bool(waves) and not open_ones)
    if row.state is CampaignState.SENDING and rests_until is not None and row.kind is not CampaignKind.NOTICE:
        why, until = Why.QUIET, rests_until
    return Letter(
        public_id=row.public_id,
        subject=revisions.numbered(session, row.id, row.version).subject,
        state=row.state,
        recipients=row.recipients,
        due=sum(depth.due for depth in waves.values()),
        later=later,
        oldest=min((depth.oldest for depth in open_ones if depth.due and depth.oldest), default=None),
        why=why,
        halted=row.halted,
        until=until,
    )


def _why(  # noqa: PLR0911 - one way out for each reason
    row: Campaign, open_ones: list[Depth], late: timedelta, *, watched: bool
) -> tuple[Why | None, datetime | None]:
    if schedule.is_late(row, clock.now(), late):
        return Why.LATE, None
    match row.state:
        case CampaignState.SCHEDULED:
            return Why.SCHEDULED, schedule.leaves_at(row)
        case CampaignState.HELD:
            return Why.HELD, row.held_until
        case CampaignState.PAUSED:
            return Why.PAUSED, None
    if watched:
        return Why.ASKS if pilot.asks(row) else Why.WATCHED, None
    if open_ones and not any(depth.due for depth in open_ones):
        return Why.LATER, min((depth.oldest for depth in open_ones if depth.oldest), default=None)
    return None, None


def waiting(session: Session) -> dict[Lane, int]:
    """Count what waits on each lane; as costly as ``look``."""
    query = select(Delivery.lane, func.count()).where(IS_WAITING).group_by(Delivery.lane)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {lane: found.get(lane, 0) for lane in Lane}


def oldest_due(session: Session) -> dict[Lane, datetime | None]:
    """Return since when the oldest row of each lane that may be claimed has been due; None where nothing is."""
    moment = clock.now()
    return {lane: _oldest(session, lane, moment) for lane in Lane}


def _oldest(session: Session, lane: Lane, moment: datetime) -> datetime | None:
    found = (session.scalar(oldest) for oldest in _claimable(session, lane))
    return min((due for due in found if due is not None and due <= moment), default=None)


def _claimable(session: Session, lane: Lane) -> Iterator[Select[datetime]]:
    """Yield the first due moment of each part of a lane that ``batch`` claims from: one look at the index for each."""
    here = and_(Delivery.lane == lane, IS_WAITING)
    # The wave is named only for the index: a single mail is of everybody's.
    yield select(func.min(Delivery.due_at)).where(here, Delivery.campaign_id.is_(None), Delivery.wave == 1)
    if lane is not Lane.SENDING:
        return
    for number, waves_open in moving_letters(session):
        for wave in range(waves_open + 1):
            of_wave = and_(here, Delivery.campaign_id == number, Delivery.wave == wave)
            yield select(func.min(Delivery.due_at)).where(of_wave)


def may_leave(letter: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the class, or its table's columns
    """Return whether rows of a letter may leave: it is under way, or a step that stands on a follow-up that is on."""
    is_on = (
        select(FollowUpStep.id)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(
            FollowUpStep.campaign_id == letter.id, FollowUpStep.removed_at.is_(None), FollowUp.state == FollowUpState.ON
        )
    )
    return or_(letter.state == CampaignState.SENDING, and_(letter.kind == CampaignKind.FOLLOW_UP, is_on.exists()))


def is_moving() -> ColumnElement[bool]:
    """Return whether a row that waits may leave by itself: its letter stands not still, or it is no letter of one.

    The letters are looked up once for all rows: asked about each row, PostgreSQL would look once for each.
    """
    moving = select(Campaign.id).where(may_leave(Campaign))
    return or_(Delivery.campaign_id.is_(None), Delivery.campaign_id.in_(moving))


def gone_steps(session: Session, ids: Iterable[int]) -> set[int]:
    """Return the letters among those of these rows that are steps nobody gets any more: taken out, or of a line off.

    The shared lock makes whoever takes one out, or switches its line off, wait for us, or us for them.
    """
    query = (
        select(FollowUpStep.campaign_id, FollowUpStep.removed_at, FollowUp.state)
        .join(FollowUp, FollowUp.id == FollowUpStep.follow_up_id)
        .where(FollowUpStep.campaign_id.in_(select(Delivery.campaign_id).where(Delivery.id.in_(ids))))
        .order_by(FollowUp.id, FollowUpStep.id)
        .with_for_update(read=True, of=FollowUp)
    )
    walked = (FollowUpState.ON, FollowUpState.PAUSED)
    return {letter for letter, removed, state in session.execute(query) if removed is not None or state not in walked}


def moving_letters(session: Session) -> list[tuple[int, int]]:
    """Return the campaigns that may leave now, each with the last of its waves; in quiet hours notices alone."""
    query = select(Campaign.id, Campaign.waves_open).where(may_leave(Campaign))
    if resting := quiet_hours.rests(session, clock.now()):
        query = query.where(or_(Campaign.organisation_id.not_in(resting), Campaign.kind == CampaignKind.NOTICE))
    return [(row[0], row[1]) for row in session.execute(query.order_by(Campaign.id))]


def is_due(session: Session, campaign_id: int, waves_open: int) -> bool:
    """Return whether a worker who came now would get a row of this campaign."""
    of_letter = and_(
        Delivery.lane == Lane.SENDING, IS_WAITING, Delivery.campaign_id == campaign_id, Delivery.due_at <= clock.now()
    )
    due = (select(Delivery.id).where(of_letter, Delivery.wave == wave).limit(1) for wave in range(waves_open + 1))
    return any(session.scalar(query) is not None for query in due)


def next_due(session: Session, campaign_id: int, waves_open: int) -> datetime | None:
    """Return when the next row of a campaign is due; None where one is due by now, or none may leave."""
    moments = []
    for wave in range(waves_open + 1):
        of_wave = and_(
            Delivery.lane == Lane.SENDING, IS_WAITING, Delivery.campaign_id == campaign_id, Delivery.wave == wave
        )
        moments.append(session.scalar(select(Delivery.due_at).where(of_wave).order_by(Delivery.due_at).limit(1)))
    soonest = min((moment for moment in moments if moment is not None), default=None)
    return soonest if soonest is not None and soonest > clock.now() else None


def under_way(session: Session) -> dict[DeliveryState, int]:
    """Return how many rows are leased and handed just now: those of workers that live, and of the dead."""
    # Each has a worker, and to say so leads SQLite to the small index.
    held = and_(Delivery.worker.is_not(None), IS_UNDER_WAY)
    query = select(Delivery.state, func.count()).where(held).group_by(Delivery.state)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in (S.LEASED, S.HANDED)}


def in_doubt(session: Session, *, since: datetime | None = None) -> int:
    """Return how many rows are in doubt, or came to be since a moment and still are."""
    query = select(func.count()).select_from(Delivery).where(IS_IN_DOUBT, Delivery.settled_at.is_not(None))
    return session.scalar(query if since is None else query.where(Delivery.settled_at >= since)) or 0


def put_off(session: Session) -> list[PutOff]:
    """Return what receivers put off, by provider, the most first."""
    query = (
        select(Delivery.provider, func.count(), func.min(Delivery.due_at)).where(IS_PUT_OFF).group_by(Delivery.provider)
    )
    found = [PutOff(row[0], row[1], row[2]) for row in session.execute(query)]
    return sorted(found, key=lambda row: (-row.number, row.provider or ""))
