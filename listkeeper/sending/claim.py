"""Claiming: which rows a worker takes next, for half a minute, and giving back what it could not get to."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Integer, Table, bindparam, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.proof import witness
from listkeeper.foundation import clock
from listkeeper.foundation.among import among
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import waiting
from listkeeper.sending.delivery import IS_WAITING, Delivery, DeliveryState

# With the timetable's round on top, rows of a machine that is gone are taken over within a minute.
LEASE = timedelta(seconds=30)

_TABLE = cast("Table", Delivery.__table__)
_ROW = _TABLE.c
_DUE = (
    select(_ROW.id)
    .where(_ROW.lane == bindparam("lane"), IS_WAITING, _ROW.wave == bindparam("wave"), _ROW.due_at <= bindparam("now"))
    # As the index of what waits has it, though a queue is of one campaign and wave: PostgreSQL would sort what belongs
    # to no campaign, by whatever index it thinks, and read every single mail that ever left for it.
    .order_by(_ROW.campaign_id, _ROW.wave, _ROW.due_at, _ROW.id)
    .limit(bindparam("most", type_=Integer))
)
_SINGLES, _LETTERS = _DUE.where(_ROW.campaign_id.is_(None)), _DUE.where(_ROW.campaign_id == bindparam("campaign"))
_LOOKED_AT = CompiledOnce(_SINGLES), CompiledOnce(_LETTERS)
_TAKEN = tuple(CompiledOnce(query.with_for_update(skip_locked=True)) for query in (_SINGLES, _LETTERS))
_LEASED = CompiledOnce(
    update(_TABLE)
    .where(among(_ROW.id, "ids"))
    .values(state=DeliveryState.LEASED, worker=bindparam("me"), lease_until=bindparam("until"))
)
# From where rows are claimed: whether they are a letter's, and what its statement is asked with.
_Queue = tuple[bool, dict[str, Any]]


def lease(session: Session, lane: Lane, worker: str, limit: int) -> list[int]:
    """Mark up to ``limit`` due rows of a lane as this worker's for half a minute; return their ids.

    None while the ledger has forked: the gate would refuse them for good, and the owner may yet go on.
    """
    if witness.is_stopped(session):
        return []
    session.flush()
    moment, connection = clock.now(), session.connection()
    ids: list[int] = []
    for is_letter, of in _queues(session, lane):
        found = _TAKEN[is_letter].rows(connection, {**of, "now": moment, "most": limit - len(ids)})
        ids += [number for (number,) in found]
        if len(ids) == limit:
            break
    if ids:
        _LEASED.run(connection, {"ids": ids, "me": worker, "until": moment + LEASE})
    return ids


def _queues(session: Session, lane: Lane) -> Iterator[_Queue]:
    """Yield what may be claimed from: single mails, then each campaign that is on its way, its first wave first.

    Another campaign comes first each time, so that a small one does not wait for a large one to end.
    """
    # The wave is named only for the index: a single mail is of everybody's.
    yield False, {"lane": lane, "wave": 1}
    if lane is not Lane.SENDING:
        return
    under_way = waiting.moving_letters(session)
    first = secrets.randbelow(len(under_way)) if under_way else 0
    for number, waves_open in (*under_way[first:], *under_way[:first]):
        for wave in range(waves_open + 1):
            yield True, {"lane": lane, "campaign": number, "wave": wave}


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
    one, connection = {"now": clock.now(), "most": 1}, session.connection()
    return any(_LOOKED_AT[is_letter].rows(connection, {**of, **one}) for is_letter, of in _queues(session, lane))
