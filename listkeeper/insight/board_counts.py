"""How many people came and went in a time, and in the time before it, from the consent record.

An event of the record is one act on one list. Whoever took a leaving back is
no new reader.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.foundation import clock

_WENT = (EventKind.WITHDRAWN, EventKind.OBJECTED, EventKind.COMPLAINED)


def came(session: Session, organisation: Organisation, since: datetime) -> tuple[int, int]:
    """Return how many said yes since a moment, and in a time of the same length before."""
    return _counted(session, organisation, since, (EventKind.GIVEN,))


def left(session: Session, organisation: Organisation, since: datetime) -> tuple[int, int]:
    """Return how many left, objected or complained since a moment, and before."""
    return _counted(session, organisation, since, _WENT)


def complained(session: Session, organisation: Organisation, since: datetime) -> int:
    """Return how many complained since a moment."""
    return _counted(session, organisation, since, (EventKind.COMPLAINED,))[0]


def _counted(
    session: Session, organisation: Organisation, since: datetime, kinds: Collection[EventKind]
) -> tuple[int, int]:
    before = since - (clock.now() - since)
    event = ConsentEvent
    query = select(func.count().filter(event.at > since), func.count().filter(event.at <= since)).where(
        event.organisation_id == organisation.id,
        event.kind.in_(list(kinds)),
        event.method != Method.UNDO,
        event.at > before,
    )
    row = session.execute(query).one()
    return row[0], row[1]
