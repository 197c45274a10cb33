"""Who did what in the studio or on the command line; ids only, never an address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns
from listkeeper.foundation.table import Table


class AuditEntry(Table):
    """One act by a user or a command."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = columns.created_at()


def record(session: Session, organisation_id: int | None, actor: str, action: str, subject: str) -> None:
    """Store ``actor`` (``user:3``, ``command``) did ``noun.past_verb`` to ``subject`` (a public id)."""
    session.add(AuditEntry(organisation_id=organisation_id, actor=actor, action=action, subject=subject))


def last(session: Session, organisation_id: int, action: str, subject: str) -> AuditEntry | None:
    """Return the newest entry of one act on one thing, which says who did it."""
    query = select(AuditEntry).where(
        AuditEntry.organisation_id == organisation_id, AuditEntry.action == action, AuditEntry.subject == subject
    )
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).first()
