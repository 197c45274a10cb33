"""Incidents: why mail stands still, in words, from the moment it does until it moves again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, Text, func, select, update
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
    # What the watch sees (``watch``), and no worker can know of itself.
    NO_WORKER = "no_worker"
    CAMPAIGN_STUCK = "campaign_stuck"
    CONFIRMATIONS_LATE = "confirmations_late"
    DOUBT_GREW = "doubt_grew"
    DISK_LOW = "disk_low"
    DISK_FULL = "disk_full"
    # The records of one of our domains became worse (``deliverability.drift``).
    DOMAIN_WORSE = "domain_worse"
    # Somebody who wrote to us is about to wait longer than was promised (``feedback.promise``).
    REPLY_DUE = "reply_due"
    # Many of one mailbox provider left a letter in one minute (``feedback.leave_burst``).
    LEAVE_BURST = "leave_burst"
    # More was promised about a status notice by now, and nothing was told (``notice_watch``).
    NOTICE_OVERDUE = "notice_overdue"


class Incident(Table):
    """One thing that stands in the way of sending."""

    __tablename__ = "incident"

    id: Mapped[int] = columns.row_id()
    kind: Mapped[IncidentKind] = columns.enum(IncidentKind)
    words: Mapped[str] = mapped_column(Text)
    # Which receiver (``mail_provider``) refuses which sending domain; empty for what concerns all mail.
    provider: Mapped[str | None] = mapped_column(String(mail_provider.LONGEST))
    domain: Mapped[str | None] = mapped_column(String(253))
    # What the words were made of, where they can be said again in another language (``watch_words``).
    facts: Mapped[dict[str, Any] | None] = mapped_column(columns.Json)
    opened_at: Mapped[datetime] = columns.created_at()
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When the owners were last written to about it.
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def stops(self) -> bool:
        """Whether mail stands still because of it."""
        return self.kind not in _STOPS_NOTHING


# What is seen and told, while mail goes on leaving.
_STOPS_NOTHING = frozenset(
    {
        IncidentKind.DOUBT_GREW,
        IncidentKind.DISK_LOW,
        IncidentKind.DOMAIN_WORSE,
        IncidentKind.LEAVE_BURST,
        IncidentKind.REPLY_DUE,
        IncidentKind.NOTICE_OVERDUE,
    }
)


def report(  # noqa: PLR0913 - what it is, in words and as facts, and whom it concerns
    session: Session,
    kind: IncidentKind,
    words: str,
    facts: Mapping[str, Any] | None = None,
    *,
    domain: str | None = None,
    provider: str | None = None,
) -> Incident:
    """Open an incident and return it; one that is open already gets the newest words."""
    query = select(Incident).where(*_open((kind,), domain, provider)).order_by(Incident.id)
    found = session.scalars(query).first()
    if found is None:
        found = Incident(kind=kind, domain=domain, provider=provider)
        session.add(found)
    found.words, found.facts = log.mask(words), dict(facts) if facts is not None else None
    return found


def over(session: Session, *kinds: IncidentKind, domain: str | None = None, provider: str | None = None) -> bool:
    """Close what is open of these kinds, and of one receiver; return whether anything was."""
    closed = update(Incident).where(*_open(kinds, domain, provider)).values(closed_at=clock.now())
    return bool(session.execute(closed.returning(Incident.id)).all())


def _open(kinds: Iterable[IncidentKind], domain: str | None, provider: str | None) -> list[ColumnElement[bool]]:
    # "IS NULL" where nothing is named.
    of_whom = [Incident.domain == domain, Incident.provider == provider]
    return [Incident.kind.in_(list(kinds)), Incident.closed_at.is_(None), *of_whom]


def standing(session: Session) -> list[Incident]:
    """Return the open incidents, oldest first."""
    return list(session.scalars(select(Incident).where(Incident.closed_at.is_(None)).order_by(Incident.id)))


def newest(session: Session, number: int) -> list[Incident]:
    """Return the newest incidents, the newest first, also those that are over."""
    return list(session.scalars(select(Incident).order_by(Incident.id.desc()).limit(number)))


def numbered(session: Session, incident_id: int) -> Incident | None:
    """Return an incident by its number, if it exists."""
    return session.get(Incident, incident_id)


def last_told(session: Session, kind: IncidentKind) -> datetime | None:
    """Return when the owners were last written to about a kind of incident, this one or another."""
    return session.scalar(select(func.max(Incident.told_at)).where(Incident.kind == kind))


def kinds_standing(session: Session, kinds: Iterable[IncidentKind] = IncidentKind) -> dict[IncidentKind, int]:
    """Return how many incidents of each kind are open."""
    query = select(Incident.kind, func.count()).where(Incident.closed_at.is_(None)).group_by(Incident.kind)
    found = {row[0]: row[1] for row in session.execute(query)}
    return {kind: found.get(kind, 0) for kind in kinds}
