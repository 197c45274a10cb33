"""A page opened by signing up again while an earlier mail is on its way; the code of that mail works there too."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation.table import Table


class LaterPage(Table):
    """One such page, by the digest of its secret, and the question it waits for."""

    __tablename__ = "confirmation_later_page"

    visit_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    confirmation_id: Mapped[int] = mapped_column(ForeignKey("confirmation.id"), index=True)


def questions_on(visit_digest: str) -> Select[int]:
    """Return the question whose code may be typed on a page, as a part of a query."""
    return select(LaterPage.confirmation_id).where(LaterPage.visit_digest == visit_digest)


def open_for(session: Session, visit_digest: str, confirmation_id: int) -> None:
    """Let the code of a question be typed on this page, too."""
    session.add(LaterPage(visit_digest=visit_digest, confirmation_id=confirmation_id))
    session.flush()
