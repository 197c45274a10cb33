"""Incidents: why mail stands still, in words, from the moment it does until it moves again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns, log
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class IncidentKind(StrEnum):
    """What stands in the way."""

    TRANSPORT_UNAVAILABLE = "transport_unavailable"
    LEDGER_FORKED = "ledger_forked"


class Incident(Table):
    """One thing that stands in the way of sending."""

    __tablename__ = "incident"

    id: Mapped[int] = columns.row_id()
    kind: Mapped[IncidentKind] = columns.enum(IncidentKind)
    words: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = columns.created_at()
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def report(session: Session, kind: IncidentKind, words: str) -> None:
    """Open an incident; one that is open already gets the newest words."""
    masked = log.mask(words)
    open_one = session.scalars(select(Incident).where(Incident.kind == kind, Incident.closed_at.is_(None))).first()
    if open_one is None:
        session.add(Incident(kind=kind, words=masked))
    else:
        open_one.words = masked


def over(session: Session, kind: IncidentKind) -> None:
    """Close what is open of a kind."""
    session.execute(
        update(Incident).where(Incident.kind == kind, Incident.closed_at.is_(None)).values(closed_at=clock.now())
    )


def standing(session: Session) -> list[Incident]:
    """Return the open incidents, oldest first."""
    return list(session.scalars(select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)))
