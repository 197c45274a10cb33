"""Going on: a step that was really handed over lets its run stand before the next one, counted from that moment.

A step that the gate refused, or that no server took, ends where it is: the run
goes on, unless the refusal says that she is gone. What waits to leave is waited
for, however long that takes, so that no two steps come at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.foundation import clock
from listkeeper.sending import follow_up_line
from listkeeper.sending.delivery import LEFT, OPEN, Delivery, DeliveryState
from listkeeper.sending.follow_up_line import GoesOn
from listkeeper.sending.follow_up_run import IS_RUNNING, FollowUpRun, RunState, StopWhy

AT_ONCE = 5_000
_GONE = frozenset(
    {
        RefusalCode.NO_BASIS,
        RefusalCode.WITHDRAWN,
        RefusalCode.SUPPRESSED,
        RefusalCode.ERASED,
        RefusalCode.RESTRICTED,
        RefusalCode.DORMANT,
    }
)
_OVER = frozenset({RefusalCode.EXPIRED, RefusalCode.LAPSED})
_CLOSED = frozenset({RefusalCode.LIST_INACTIVE, RefusalCode.PURPOSE_MISMATCH})
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


def stop_all(session: Session, found: FollowUp, why: StopWhy) -> int:
    """End every run of a line, and take back what waits to leave by it; return how many ended."""
    now = clock.now()
    of_line = select(_RUN.delivery_id).where(_RUN.follow_up_id == found.id, IS_RUNNING, _RUN.delivery_id.is_not(None))
    waiting = (DeliveryState.QUEUED, DeliveryState.DEFERRED)
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(of_line), Delivery.state.in_(waiting))
        .values(state=DeliveryState.CANCELLED, settled_at=now, worker=None, lease_until=None),
        execution_options={"synchronize_session": False},
    )
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
