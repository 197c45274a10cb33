"""Claiming: which rows a worker takes next, for half a minute, and giving back what it could not get to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.proof import witness
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import waiting
from listkeeper.sending.delivery import IS_WAITING, Delivery, DeliveryState

# With the timetable's round on top, rows of a machine that is gone are taken over within a minute.
LEASE = timedelta(seconds=30)


def lease(session: Session, lane: Lane, worker: str, limit: int) -> list[int]:
    """Mark up to ``limit`` due rows of a lane as this worker's for half a minute; return their ids.

    None while the ledger has forked: the gate would refuse them for good, and the owner may yet go on.
    """
    if witness.is_stopped(session):
        return []
    moment = clock.now()
    ids: list[int] = []
    for queue in _queues(session, lane):
        due = _due(queue, moment).limit(limit - len(ids))
        ids += session.scalars(due.with_for_update(skip_locked=True))
        if len(ids) == limit:
            break
    if ids:
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(state=DeliveryState.LEASED, worker=worker, lease_until=moment + LEASE)
        )
    return ids


def _due(queue: ColumnElement[bool], moment: datetime) -> Select[int]:
    """Return a queue's rows that are due, in the order of the index of those that wait.

    Named in full, though a queue has but one campaign and wave: PostgreSQL would sort what belongs to no campaign, by
    whatever index it thinks, and read every single mail that ever left for it.
    """
    order = (Delivery.campaign_id, Delivery.wave, Delivery.due_at, Delivery.id)
    return select(Delivery.id).where(queue, Delivery.due_at <= moment).order_by(*order)


def _queues(session: Session, lane: Lane) -> Iterator[ColumnElement[bool]]:
    """Yield what may be claimed from: single mails, then each campaign that is on its way, its first wave first.

    Another campaign comes first each time, so that a small one does not wait for a large one to end.
    """
    here = and_(Delivery.lane == lane, IS_WAITING)
    # The wave is named only for the index: a single mail is of everybody's.
    yield and_(here, Delivery.campaign_id.is_(None), Delivery.wave == 1)
    if lane is not Lane.SENDING:
        return
    under_way = waiting.moving_letters(session)
    first = secrets.randbelow(len(under_way)) if under_way else 0
    for number, waves_open in (*under_way[first:], *under_way[:first]):
        for wave in range(waves_open + 1):
            yield and_(here, Delivery.campaign_id == number, Delivery.wave == wave)


def give_back(session: Session, ids: Sequence[int], worker: str, *, wait: timedelta = timedelta(0)) -> None:
    """Return leased rows of this worker to the queue, due after ``wait``; no attempt is counted."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.worker == worker, Delivery.state == DeliveryState.LEASED)
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None, due_at=clock.now() + wait)
    )


def anything_due(session: Session, lane: Lane) -> bool:
    """Return whether rows of a lane wait for a worker now, who would get them."""
    if witness.is_stopped(session):
        return False
    moment = clock.now()
    return any(session.scalar(_due(queue, moment).limit(1)) is not None for queue in _queues(session, lane))
