"""A copy of what came in about somebody: a bounce, a complaint, an answer, as it came, under that person's own key.

To forget her is to destroy her key, as with all evidence.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.proof import evidence
from listkeeper.foundation import clock
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

_AT_ONCE = 10_000


class KeptCopy(Table):
    """One sealed copy; ``name`` says of what."""

    __tablename__ = "kept_copy"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_ref: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    delete_after: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_kept_copy_subject", "subject_ref"), Index("ix_kept_copy_delete_after", "delete_after"))


def keep(  # noqa: PLR0913 - whose, under which name, what, until when
    session: Session, organisation_id: int, subject_ref: str, name: str, content: bytes, *, until: datetime
) -> None:
    """Seal a copy under a person's key. Raises Invalid when that key was destroyed; nothing is kept then."""
    cipher = evidence.ciphers(session, organisation_id, {subject_ref})[subject_ref]
    session.add(
        KeptCopy(
            name=name,
            organisation_id=organisation_id,
            subject_ref=subject_ref,
            sealed=evidence.sealed(cipher, name, content),
            delete_after=until,
        )
    )


def opened(session: Session, organisation_id: int, name: str) -> bytes | None:
    """Return a copy in the clear; None when there is none, or its key was destroyed. Raises Invalid when changed."""
    row = session.get(KeptCopy, name)
    if row is None or row.organisation_id != organisation_id:
        return None
    cipher = evidence.cipher_of(session, organisation_id, row.subject_ref)
    return None if cipher is None else evidence.unsealed(cipher, name, row.sealed)


def names_of(session: Session, subject_ref: str) -> list[str]:
    """Return of what there are copies about a person, oldest first."""
    query = select(KeptCopy.name).where(KeptCopy.subject_ref == subject_ref)
    return list(session.scalars(query.order_by(KeptCopy.delete_after, KeptCopy.name)))


def forget(session: Session, subject_ref: str) -> None:
    """Delete the copies about a person; her key is destroyed beside."""
    session.execute(delete(KeptCopy).where(KeptCopy.subject_ref == subject_ref))


def forget_past(session: Session) -> None:
    """Delete copies whose time is over; the timetable calls this."""
    due = select(KeptCopy.name).where(KeptCopy.delete_after <= clock.now()).limit(_AT_ONCE)
    session.execute(
        delete(KeptCopy).where(KeptCopy.name.in_(list(session.scalars(due)))),
        execution_options={"synchronize_session": False},
    )
