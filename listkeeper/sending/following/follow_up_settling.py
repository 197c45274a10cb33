"""Going on: a step that was really handed over lets its run stand before the next one, counted from that moment.

A step that the gate refused, or that no server took, ends where it is: the run
goes on, unless the refusal says that she is gone. What waits to leave is waited
for, however long that takes, so that no two steps come at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.campaigns.follow_up_step import FollowUpStep
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock
from listkeeper.foundation.among import among
from listkeeper.sending import tally
from listkeeper.sending.delivery import LEFT, OPEN, Delivery, DeliveryState
from listkeeper.sending.following import follow_up_line, follow_up_stop
from listkeeper.sending.following.follow_up_line import GoesOn
from listkeeper.sending.following.follow_up_run import IS_RUNNING, FollowUpRun, RunState, StopWhy

AT_ONCE = 5_000
_GONE = frozenset(
    {RefusalCode.NO_BASIS, RefusalCode.WITHDRAWN, RefusalCode.SUPPRESSED, RefusalCode.ERASED, RefusalCode.RESTRICTED}
)
_OVER = frozenset({RefusalCode.EXPIRED, RefusalCode.LAPSED, RefusalCode.DORMANT})
_CLOSED = frozenset({RefusalCode.LIST_INACTIVE, RefusalCode.PURPOSE_MISMATCH})
# What has not left: a worker that holds it gives it up, as with a letter that is stopped.
_STAYS = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.LEASED)
_RUN = cast("Table", FollowUpRun.__table__).c


def settle(session: Session, found: FollowUp, most: int = AT_ONCE) -> int:
    """Let the runs of a line go on whose step has come to its end; return how many."""
    query = (
        select(
            _RUN.id, _RUN.subscriber_id, _RUN.next_step_id, Delivery.state, Delivery.handed_at, Delivery.settled_at,
            Delivery.refusal_code,
        )
        .join(Delivery, Delivery.id == _RUN.delivery_id)
        .where(
            _RUN.follow_up_id == found.id,
            IS_RUNNING,
            _RUN.delivery_id.is_not(None),
            Delivery.state.not_in(sorted(OPEN)),
        )
        .order_by(_RUN.id)
        .limit(most)
        .with_for_update(of=FollowUpRun, skip_locked=True)
    )  # fmt: skip
    now, goes_on, ends = clock.now(), [], {}
    for run, person, step, state, handed, settled, refused in session.execute(query):
        why = _end(state, refused)
        if why is not None:
            ends[run] = why
        else:
            goes_on.append(GoesOn(run, person, step, _since(state, handed, settled, now)))
    if goes_on or ends:
        if ends:
            ends |= follow_up_stop.turned_away(session, found, among(FollowUpRun.id, "runs"), {"runs": sorted(ends)})
        follow_up_line.go_on(session, follow_up_line.of(session, found), goes_on)
        follow_up_line.stop(session, ends, now)
        session.expire_all()
    return len(goes_on) + len(ends)


def _since(state: DeliveryState, handed: datetime | None, settled: datetime | None, now: datetime) -> datetime:
    if state in LEFT and handed is not None:
        return handed
    return settled or now


def _end(state: DeliveryState, refused: RefusalCode | None) -> StopWhy | None:
    if state is not DeliveryState.REFUSED or refused is None:
        return None
    if refused in _OVER:
        return StopWhy.CONSENT_OVER
    if refused in _CLOSED:
        return StopWhy.LIST_CLOSED
    return StopWhy.LEFT if refused in _GONE else None


def call_back(session: Session, found: FollowUp) -> int:
    """End the runs of who turned away while her step waited to leave, and take it back; return how many.

    The gate would let it go where she is here again by then.
    """
    under_way = (FollowUpRun.follow_up_id == found.id) & IS_RUNNING & FollowUpRun.delivery_id.is_not(None)
    turned = follow_up_stop.turned_away(session, found, under_way)
    if turned:
        mails = select(_RUN.delivery_id).where(among(_RUN.id, "runs"))
        take_back(session, Delivery.id.in_(mails), {"runs": sorted(turned)})
        follow_up_line.stop(session, turned, clock.now())
    return len(turned)


def take_back(session: Session, chosen: ColumnElement[bool], given: Mapping[str, Any] | None = None) -> int:
    """Keep home what of these mails waits to leave, a worker's as well that has not handed it over; return how many."""
    stays = (
        update(Delivery)
        .where(chosen, Delivery.state.in_(_STAYS))
        .values(state=DeliveryState.CANCELLED, settled_at=clock.now(), worker=None, lease_until=None)
        .returning(Delivery.provider)
    )
    rows = session.execute(stays, dict(given or {}), execution_options={"synchronize_session": False}).all()
    tally.add(session, Counter(tally.letter(DeliveryState.CANCELLED, row[0]) for row in rows))
    session.expire_all()
    return len(rows)


def rewrite(session: Session, step: FollowUpStep, newest: Revision) -> None:
    """Give newer words to what waits to leave for the first time; what may have left keeps those that it left with.

    A worker that has written such a mail by now has it no more.
    """
    waits = (Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.LEASED)), Delivery.handed_at.is_(None))
    session.execute(
        update(Delivery)
        .where(Delivery.campaign_id == step.campaign_id, Delivery.revision_id != newest.id, *waits)
        .values(revision_id=newest.id, state=DeliveryState.QUEUED, worker=None, lease_until=None),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()


def stop_all(session: Session, found: FollowUp, why: StopWhy) -> int:
    """End every run of a line, and take back what waits to leave by it; return how many ended."""
    now = clock.now()
    of_line = select(_RUN.delivery_id).where(_RUN.follow_up_id == found.id, IS_RUNNING, _RUN.delivery_id.is_not(None))
    take_back(session, Delivery.id.in_(of_line))
    ended = session.execute(
        update(FollowUpRun)
        .where(FollowUpRun.follow_up_id == found.id, IS_RUNNING)
        .values(
            state=RunState.STOPPED, why=why, ended_at=now, next_step_id=None, due_at=None, planned_for=None,
            delivery_id=None,
        )
        .returning(FollowUpRun.id),
        execution_options={"synchronize_session": False},
    ).all()  # fmt: skip
    session.expire_all()
    return len(ended)
