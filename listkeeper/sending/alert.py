"""Alerts for other programs: what the owners are written to about, as documents that a web server of theirs takes.

A mail about mail that does not leave does not leave either. So an incident that
the watch tells the owners of goes out as a signed post as well, and so does
the word that it is over. No address is in it. What was taken is remembered
until it would be no news; what was not is due again at the next look.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, log, once
from listkeeper.sending import watch, watch_words
from listkeeper.sending.incident import Incident

_ONCE = "alert"
# Of what stands longer the owners are told anew, and so are programs.
NEWS_FOR = watch.TOLD_AGAIN


@dataclass(frozen=True)
class Alert:
    """One post: its name stays the same however often it is tried, so that a receiver knows it again."""

    name: str
    body: bytes


def due(session: Session, site: str) -> list[Alert]:
    """Return what nobody has taken yet, in the order in which it happened, in the language in use."""
    since = clock.now() - NEWS_FOR
    query = (
        select(Incident)
        .where(Incident.told_at.is_not(None), or_(Incident.told_at > since, Incident.closed_at > since))
        .order_by(Incident.id)
    )
    made = [alert for row in session.scalars(query) for alert in _of(row, site, since)]
    return [alert for alert in made if not once.is_spent(session, _ONCE, alert.name)]


def _of(row: Incident, site: str, since: datetime) -> Iterator[Alert]:
    if row.told_at is not None and row.told_at > since:
        name = f"msg_incident_{row.id}_{clock.in_milliseconds(row.told_at)}"
        yield Alert(name, _body("incident.stands", row.told_at, row, site))
    if row.closed_at is not None and row.closed_at > since:
        yield Alert(f"msg_incident_{row.id}_over", _body("incident.over", row.closed_at, row, site))


def _body(kind: str, moment: datetime, row: Incident, site: str) -> bytes:
    told = {
        "type": kind,
        "timestamp": clock.as_text(moment),
        "data": {
            "incident": row.id,
            "kind": row.kind.value,
            # A letter's subject may hold an address.
            "words": log.mask(watch_words.of(row)),
            "stops": row.stops,
            "opened_at": clock.as_text(row.opened_at),
            "closed_at": clock.as_text(row.closed_at) if row.closed_at else None,
            "queue_url": f"{site}/studio/queue",
        },
    }
    return json.dumps(told, ensure_ascii=False).encode()


def taken(session: Session, alert: Alert) -> None:
    """Remember that somebody took it."""
    once.spend(session, _ONCE, alert.name, clock.now() + 2 * NEWS_FOR)
