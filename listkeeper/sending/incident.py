"""Incidents: why mail stands still, in words, from the moment it does until it moves again."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import mail_provider
from listkeeper.foundation import clock, columns, log
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table


class IncidentKind(StrEnum):
    """What stands in the way."""

    TRANSPORT_UNAVAILABLE = "transport_unavailable"
    LEDGER_FORKED = "ledger_forked"
    # One receiver refuses one of our domains: only the mail to it stands still.
    RECEIVER_REFUSES = "receiver_refuses"


class Incident(Table):
    """One thing that stands in the way of sending."""

    __tablename__ = "incident"

    id: Mapped[int] = columns.row_id()
    kind: Mapped[IncidentKind] = columns.enum(IncidentKind)
    words: Mapped[str] = mapped_column(Text)
    # Which receiver (``mail_provider``) refuses which sending domain; empty for what concerns all mail.
    provider: Mapped[str | None] = mapped_column(String(mail_provider.LONGEST))
    domain: Mapped[str | None] = mapped_column(String(253))
    opened_at: Mapped[datetime] = columns.created_at()
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def report(
    session: Session, kind: IncidentKind, words: str, *, domain: str | None = None, provider: str | None = None
) -> None:
    """Open an incident; one that is open already gets the newest words."""
    masked = log.mask(words)
    open_one = session.scalars(select(Incident).where(*_open(kind, domain, provider))).first()
    if open_one is None:
        session.add(Incident(kind=kind, words=masked, domain=domain, provider=provider))
    else:
        open_one.words = masked


def over(session: Session, kind: IncidentKind, *, domain: str | None = None, provider: str | None = None) -> bool:
    """Close what is open of a kind, and of one receiver; return whether anything was."""
    closed = update(Incident).where(*_open(kind, domain, provider)).values(closed_at=clock.now())
    return bool(session.execute(closed.returning(Incident.id)).all())


def _open(kind: IncidentKind, domain: str | None, provider: str | None) -> list[ColumnElement[bool]]:
    # "IS NULL" where nothing is named.
    of_whom = [Incident.domain == domain, Incident.provider == provider]
    return [Incident.kind == kind, Incident.closed_at.is_(None), *of_whom]


def standing(session: Session) -> list[Incident]:
    """Return the open incidents, oldest first."""
    return list(session.scalars(select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)))
