"""The watch: what stands still without anybody being told, looked at once a minute.

It opens incidents and closes them again when they are over. What may pass by
itself, as when everything has just been started, is an incident only if it is
still there at the next look. What follows from something else that stands is
none of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import incident, waiting, watch_words
from listkeeper.sending.delivery import IS_WAITING, OPEN, Delivery, DeliveryState
from listkeeper.sending.incident import Incident, IncidentKind

K = IncidentKind
KINDS = (K.NO_WORKER, K.CAMPAIGN_STUCK, K.CONFIRMATIONS_LATE, K.DOUBT_GREW, K.DISK_LOW, K.DISK_FULL)
# Whoever presses the button of a form looks into the mailbox at once.
CONFIRMATIONS_WAIT = timedelta(minutes=1)
TOLD_AGAIN = timedelta(hours=6)
DOUBT_IS_NEWS_FOR = timedelta(hours=1)
# So many times the room that sending needs is little, and time to do something about it.
LITTLE = 5
# A little less than the minute between two looks.
_STILL_THERE = timedelta(seconds=50)
_PASSING = frozenset({K.NO_WORKER, K.CONFIRMATIONS_LATE})
# While one of these stands, what waits waits for it.
_CAUSES = frozenset({K.TRANSPORT_UNAVAILABLE, K.LEDGER_FORKED, K.NO_WORKER, K.DISK_FULL})
_CONSEQUENCES = frozenset({K.CAMPAIGN_STUCK, K.CONFIRMATIONS_LATE})
_SETTLED = frozenset(DeliveryState) - OPEN

Facts = dict[str, Any]


@dataclass(frozen=True)
class Outside:
    """What only the shells can learn; None is not known."""

    lanes_worked: frozenset[str] | None
    free_bytes: int | None
    # Below it nothing is sent; 0 says that nobody looks.
    least_free_bytes: int


@dataclass
class Memory:
    """What a watch remembers from look to look; a new one needs a little longer to notice."""

    since: dict[IncidentKind, datetime] = field(default_factory=dict)
    # How many rows of each campaign had come to an end, and when that number last changed.
    moved: dict[int, tuple[int, datetime]] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What one look found: what stands, with its facts, and what could not be looked at."""

    standing: Mapping[IncidentKind, Facts]
    unknown: frozenset[IncidentKind]


def look(session: Session, outside: Outside, patience: timedelta, memory: Memory) -> Seen:
    """Look at everything; nothing is changed but the memory."""
    found = {
        K.NO_WORKER: _nobody_works(outside),
        K.CAMPAIGN_STUCK: _stuck(session, patience, memory),
        K.CONFIRMATIONS_LATE: _late(session),
        K.DOUBT_GREW: _doubts(session),
        **_disk(outside),
    }
    unknown = {K.NO_WORKER} if outside.lanes_worked is None else set()
    unknown |= {K.DISK_LOW, K.DISK_FULL} if outside.free_bytes is None else set()
    standing = {kind: facts for kind, facts in found.items() if facts is not None}
    return Seen(_lasting(session, standing, memory), frozenset(unknown))


def _nobody_works(outside: Outside) -> Facts | None:
    idle = [lane.value for lane in Lane if lane not in (outside.lanes_worked or frozenset())]
    return {"lanes": idle} if idle and outside.lanes_worked is not None else None


def _stuck(session: Session, patience: timedelta, memory: Memory) -> Facts | None:
    """Find letters of which rows are due, and none has come to its end for a while."""
    moment, known = clock.now(), memory.moved
    memory.moved = {}
    stuck: list[tuple[datetime, int]] = []
    for number, waves_open in waiting.moving_letters(session):
        settled = _settled(session, number)
        before, since = known.get(number, (settled, moment))
        # Where nothing is due nothing can move, and no time counts.
        still = before == settled and waiting.is_due(session, number, waves_open)
        memory.moved[number] = (settled, since if still else moment)
        if still and moment - since >= patience:
            stuck.append((since, number))
    if not stuck:
        return None
    minutes = int((moment - min(since for since, _number in stuck)).total_seconds() // 60)
    return {"letters": [_subject(session, number) for _since, number in stuck], "minutes": minutes}


def _settled(session: Session, campaign_id: int) -> int:
    of_letter = and_(Delivery.campaign_id == campaign_id, Delivery.state.in_(_SETTLED))
    return session.scalar(select(func.count()).select_from(Delivery).where(of_letter)) or 0


def _subject(session: Session, campaign_id: int) -> str:
    letter = session.get_one(Campaign, campaign_id)
    return revisions.numbered(session, letter.id, letter.version).subject


def _late(session: Session) -> Facts | None:
    moment = clock.now()
    asking = and_(
        Delivery.lane == Lane.URGENT,
        Delivery.campaign_id.is_(None),
        IS_WAITING,
        Delivery.wave == 1,
        Delivery.due_at < moment - CONFIRMATIONS_WAIT,
        Delivery.message_class == MessageClass.DOI,
    )
    oldest = session.scalar(select(Delivery.due_at).where(asking).order_by(Delivery.due_at).limit(1))
    return None if oldest is None else {"minutes": max(1, int((moment - oldest).total_seconds() // 60))}


def _doubts(session: Session) -> Facts | None:
    number = waiting.in_doubt(session, since=clock.now() - DOUBT_IS_NEWS_FOR)
    return {"number": number} if number else None


def _disk(outside: Outside) -> dict[IncidentKind, Facts | None]:
    free, least = outside.free_bytes, outside.least_free_bytes
    if free is None or free >= LITTLE * least:
        return {K.DISK_LOW: None, K.DISK_FULL: None}
    facts = {"megabytes": free // 1_000_000, "least": least // 1_000_000}
    return {K.DISK_LOW: None, K.DISK_FULL: facts} if free < least else {K.DISK_LOW: facts, K.DISK_FULL: None}


def _lasting(session: Session, found: dict[IncidentKind, Facts], memory: Memory) -> dict[IncidentKind, Facts]:
    """Leave out what is there for the first time and may pass, and what follows from something that stands."""
    moment = clock.now()
    memory.since = {kind: memory.since.get(kind, moment) for kind in found}
    open_kinds = {row.kind for row in incident.standing(session)}
    lasting = {
        kind: facts
        for kind, facts in found.items()
        if kind in open_kinds or kind not in _PASSING or moment - memory.since[kind] >= _STILL_THERE
    }
    explained = bool(_CAUSES & (open_kinds - set(KINDS) | set(lasting)))
    return {
        kind: facts
        for kind, facts in lasting.items()
        if kind in open_kinds or kind not in _CONSEQUENCES or not explained
    }


def is_news(session: Session, seen: Seen) -> bool:
    """Return whether writing down what was seen would change anything: most minutes nothing is wrong."""
    rows = [row for row in incident.standing(session) if row.kind in KINDS]
    return bool(seen.standing) or any(row.kind not in seen.unknown for row in rows)


def write_down(session: Session, seen: Seen) -> list[Incident]:
    """Open, renew and close incidents; return those whose owners have not been written to for hours."""
    gone = [kind for kind in KINDS if kind not in seen.standing and kind not in seen.unknown]
    incident.over(session, *gone)
    for kind, facts in seen.standing.items():
        incident.report(session, kind, watch_words.said(kind, facts), facts)
    session.flush()
    moment = clock.now()
    untold = []
    for row in incident.standing(session):
        told = incident.last_told(session, row.kind)
        if row.kind in KINDS and (told is None or moment - told >= TOLD_AGAIN):
            row.told_at = moment
            untold.append(row)
    return untold
