"""The answers to changes that a program asked for, so that asking again on a bad line changes nothing twice.

A program sends an ``Idempotency-Key`` with a change. The answer is stored in
the transaction of the change itself, so a change without its answer, or an
answer without its change, cannot be. No address stands here: the request is
kept as a keyed digest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns, language, signing, throttle
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table

KEPT = timedelta(hours=24)
_PURPOSE = "kept-answer"


class KeptAnswer(Table):
    """One answer, under the name that the program gave its request."""

    __tablename__ = "kept_answer"

    id: Mapped[int] = columns.row_id()
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id"))
    name: Mapped[str] = mapped_column(String(64))
    request: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(columns.UtcDateTime, default=clock.now, index=True)

    __table_args__ = (UniqueConstraint("api_key_id", "name"),)


def find(session: Session, api_key_id: int, name: str, request: str) -> KeptAnswer | None:
    """Return the answer to a request that was made before, after waiting for one that is under way.

    Raises Invalid when the name was used for another request.
    """
    throttle.take_turns(session, _PURPOSE, f"{api_key_id}:{name}")
    query = select(KeptAnswer).where(KeptAnswer.api_key_id == api_key_id, KeptAnswer.name == signing.digest(name))
    found = session.scalars(query).first()
    if found is None:
        return None
    if found.created_at < clock.now() - KEPT:
        session.delete(found)
        session.flush()
        return None
    if not signing.same(found.request, signing.keyed_digest(_PURPOSE, request)):
        raise Invalid(
            "idempotency_key_reused",
            language.text("This Idempotency-Key was used for another request. Nothing was changed; make a new one."),
        )
    return found


def keep(session: Session, api_key_id: int, name: str, request: str, *, status: int, body: str) -> None:  # noqa: PLR0913
    """Store an answer in the transaction of its change."""
    session.add(
        KeptAnswer(
            api_key_id=api_key_id,
            name=signing.digest(name),
            request=signing.keyed_digest(_PURPOSE, request),
            status=status,
            body=body,
        )
    )
    session.flush()


def complete(session: Session, api_key_id: int, name: str, body: str) -> None:
    """Keep the whole answer in the place of the one without what took a while to find out."""
    row = KeptAnswer
    query = update(row).where(row.api_key_id == api_key_id, row.name == signing.digest(name)).values(body=body)
    session.execute(query)


def forget_old(session: Session) -> None:
    """Delete answers that nobody will ask for again; the timetable calls this."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.created_at < clock.now() - KEPT))
