"""A pause of a line: whoever stood still waits, when it is over, for as long as was left to wait when it began.

So a pause is nobody's lateness, and what would have come in those days comes
after them in its order, not all at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, String, Table, bindparam, null, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import follow_up_step
from listkeeper.campaigns.follow_up import FollowUp
from listkeeper.foundation import clock
from listkeeper.sending.following import follow_up_line
from listkeeper.sending.following.follow_up_run import IS_RUNNING, FollowUpRun

_TABLE = cast("Table", FollowUpRun.__table__)
_RUN = _TABLE.c
_ZONE = select(Subscriber.time_zone).where(Subscriber.id == _RUN.subscriber_id).scalar_subquery()


def make_up(session: Session, found: FollowUp, since: datetime) -> None:
    """Move on what waits for its moment on a line by as long as it stood still, to the step's hour where it has one."""
    span, line = clock.now() - since, follow_up_line.of(session, found)
    moves: list[dict[str, Any]] = []
    for number, planned, due, zone in session.execute(_standing(found)):
        moved = follow_up_step.at_its_hour(line.known[number], planned + span, zone or line.home)
        moves.append(
            {
                "step": number,
                "was": planned,
                "stood": due,
                "zone": zone,
                "planned": moved,
                "due": due + (moved - planned),
            }
        )
    if moves:
        session.connection().execute(_moving(found), moves)
        session.expire_all()


def _standing(found: FollowUp) -> Select[int, datetime, datetime, str | None]:
    """Return the SELECT of the moments at which somebody stands: many stand at one, by the same clock."""
    zone = _ZONE if found.each_zone else null().cast(String)
    at = (_RUN.next_step_id, _RUN.planned_for, _RUN.due_at, zone.label("zone"))
    # The last first: whoever is moved onto the moment of somebody else is not moved with her once more.
    return select(*at).where(*_waits(found)).distinct().order_by(_RUN.due_at.desc())


def _waits(found: FollowUp) -> tuple[Any, ...]:
    known = (_RUN.next_step_id, _RUN.planned_for, _RUN.due_at)
    return (
        _RUN.follow_up_id == found.id,
        IS_RUNNING,
        _RUN.delivery_id.is_(None),
        *(each.is_not(None) for each in known),
    )


def _moving(found: FollowUp) -> Any:  # noqa: ANN401 - an UPDATE of Core
    by_clock = [_ZONE.is_not_distinct_from(bindparam("zone", type_=String))] if found.each_zone else []
    return (
        update(_TABLE)
        .where(
            *_waits(found),
            _RUN.next_step_id == bindparam("step"),
            _RUN.planned_for == bindparam("was"),
            _RUN.due_at == bindparam("stood"),
            *by_clock,
        )
        .values(planned_for=bindparam("planned"), due_at=bindparam("due"))
    )
