"""Four eyes: where the owner wants it, one user asks for a person's evidence and another one hands it out.

A request names a reference, never an address. It lasts a day, is released by
somebody else than who asked, and serves once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts import audit_log
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Forbidden, NotFound
from listkeeper.foundation.table import Table

LIFETIME = timedelta(days=1)
_TWO = 2


class EvidenceRequest(Table):
    """That one user asked for a person's evidence, and what another one said."""

    __tablename__ = "evidence_request"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("evr")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_ref: Mapped[str] = mapped_column(String(32))
    asked_by: Mapped[int] = mapped_column(ForeignKey("studio_user.id"))
    asked_at: Mapped[datetime] = columns.created_at()
    released_by: Mapped[int | None] = mapped_column(ForeignKey("studio_user.id"))
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_evidence_request_subject", "organisation_id", "subject_ref"),)

    @property
    def live(self) -> bool:
        """Whether it can still be released or taken."""
        return self.taken_at is None and self.asked_at + LIFETIME > clock.now()


def require_two(session: Session, organisation: Organisation, wanted: bool, *, actor: str) -> None:  # noqa: FBT001
    """Ask for a second user from now on, or no more. Raises Conflict when there is nobody to be the second."""
    users = select(func.count()).select_from(User).where(User.organisation_id == organisation.id, User.active)
    if wanted and (session.scalar(users) or 0) < _TWO:
        raise Conflict(
            "one_user",
            language.text("You are the only user: nobody else could release the evidence. Nothing was changed."),
        )
    if organisation.evidence_needs_two is not wanted:
        organisation.evidence_needs_two = wanted
        action = "evidence.needs_two" if wanted else "evidence.needs_one"
        audit_log.record(session, organisation.id, actor, action, organisation.public_id)


def waiting(session: Session, organisation: Organisation, subject_ref: str) -> list[EvidenceRequest]:
    """Return the live requests about a person, oldest first."""
    query = select(EvidenceRequest).where(
        EvidenceRequest.organisation_id == organisation.id,
        EvidenceRequest.subject_ref == subject_ref,
        EvidenceRequest.taken_at.is_(None),
    )
    return [row for row in session.scalars(query.order_by(EvidenceRequest.id)) if row.live]


def for_another(session: Session, organisation: Organisation, user: User) -> list[EvidenceRequest]:
    """Return what others have asked for and this user could release, the oldest first."""
    query = select(EvidenceRequest).where(
        EvidenceRequest.organisation_id == organisation.id,
        EvidenceRequest.asked_by != user.id,
        EvidenceRequest.released_at.is_(None),
        EvidenceRequest.taken_at.is_(None),
        EvidenceRequest.asked_at > clock.now() - LIFETIME,
    )
    return list(session.scalars(query.order_by(EvidenceRequest.id)))


def ask(session: Session, organisation: Organisation, subject_ref: str, user: User) -> EvidenceRequest:
    """Store a request, or return the one of this user that waits already."""
    for row in waiting(session, organisation, subject_ref):
        if row.asked_by == user.id:
            return row
    made = EvidenceRequest(organisation_id=organisation.id, subject_ref=subject_ref, asked_by=user.id)
    session.add(made)
    session.flush()
    audit_log.record(session, organisation.id, user.actor, "evidence.asked", made.public_id)
    return made


def release(session: Session, organisation: Organisation, public_id: str, user: User) -> EvidenceRequest:
    """Let a request be served. Raises Forbidden for whoever asked, Conflict when it is over, NotFound."""
    query = select(EvidenceRequest).where(
        EvidenceRequest.organisation_id == organisation.id, EvidenceRequest.public_id == public_id
    )
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        raise NotFound("no_request", language.text("There is no such request."))
    if row.asked_by == user.id:
        raise Forbidden("own_request", language.text("You asked for this yourself. Somebody else must release it."))
    if not row.live or row.released_at is not None:
        raise Conflict("request_over", language.text("This request is over, or was released already."))
    row.released_by, row.released_at = user.id, clock.now()
    audit_log.record(session, organisation.id, user.actor, "evidence.released", row.public_id)
    return row


def may_have(session: Session, organisation: Organisation, subject_ref: str, user: User) -> bool:
    """Return whether a user may have a person's evidence now, and use the release up; one eye is enough when so set."""
    if not organisation.evidence_needs_two:
        return True
    for row in waiting(session, organisation, subject_ref):
        if row.asked_by == user.id and row.released_at is not None:
            row.taken_at = clock.now()
            return True
    return False
