"""The mails of a conversation: what each says lies under its writer's own key, so that to forget her is to forget it.

Of somebody who is no subscriber it lies under a key of the organisation's. Of
a mail's own name (RFC 5322 section 3.6.4) the row keeps only a digest, by
which an answer to it finds its conversation again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.proof import kept_copy
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation
from listkeeper.foundation import columns, keys
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table

# As long as what somebody was held back for.
KEPT = timedelta(days=400)


class Direction(StrEnum):
    """From whom to whom."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Said:
    """What a mail says: plain text, the history below it apart, names of files that nobody opens.

    ``message_id`` is its own name, ``references`` are those it answers, the
    oldest first; all with their angle brackets.
    """

    text: str
    subject: str = ""
    sender: str = ""
    sender_name: str = ""
    history: str = ""
    files: tuple[str, ...] = ()
    message_id: str = ""
    references: tuple[str, ...] = ()


class ConversationMail(Table):
    """One mail of a conversation."""

    __tablename__ = "conversation_mail"

    id: Mapped[int] = columns.row_id()
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    direction: Mapped[Direction] = columns.enum(Direction)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Whether something that only the readers of our mail know proves who wrote it; an address in From proves nothing.
    proven: Mapped[bool] = mapped_column(default=False)
    message_digest: Mapped[str] = mapped_column(String(64), default="")
    # Our answer, as it left; or the mail of ours that she answered.
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    feedback_event_id: Mapped[int | None] = mapped_column(columns.RowId)
    # Who answered: ``user:…`` or ``command``.
    actor: Mapped[str] = mapped_column(String(80), default="")
    # What a stranger's conversation says; a subscriber's lies in the vault (``kept_copy``).
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_conversation_mail_conversation", "conversation_id", "id"),
        Index("ix_conversation_mail_digest", "message_digest"),
        Index("ix_conversation_mail_delivery", "delivery_id"),
        Index("ix_conversation_mail_at", "at"),
    )

    @property
    def is_hers(self) -> bool:
        """Whether she wrote it to us."""
        return self.direction is Direction.IN


def digest(message_id: str) -> str:
    """Return the digest of a mail's name, with or without its angle brackets; of none it is empty."""
    bare = message_id.strip().strip("<>")
    return hashlib.sha256(bare.encode("utf-8", "replace")).hexdigest() if bare else ""


def add(session: Session, thread: Conversation, row: ConversationMail, said: Said) -> ConversationMail:
    """Store a mail of a conversation and seal what it says; who was forgotten meanwhile leaves nothing but the row."""
    row.conversation_id = thread.id
    session.add(row)
    session.flush()
    content = json.dumps(asdict(said), ensure_ascii=False).encode("utf-8", "replace")
    if thread.subscriber_id is None:
        row.sealed = keys.seal(_purpose(thread), content)
        return row
    subject = session.scalar(select(Subscriber.subject_ref).where(Subscriber.id == thread.subscriber_id))
    if subject is not None:
        _keep(session, thread, row, subject, content)
    return row


def _keep(session: Session, thread: Conversation, row: ConversationMail, subject: str, content: bytes) -> None:
    try:
        kept_copy.keep(session, thread.organisation_id, subject, _name(row), content, until=row.at + KEPT)
    except Invalid:
        # Her key was destroyed while this waited: nothing of hers is kept any more.
        return


def opened(session: Session, thread: Conversation, row: ConversationMail) -> Said | None:
    """Return what a mail says; None when its time is over, or whoever wrote it was forgotten."""
    if row.sealed is not None:
        content: bytes | None = keys.unseal(_purpose(thread), row.sealed)
    else:
        content = kept_copy.opened(session, thread.organisation_id, _name(row))
    if content is None:
        return None
    read = json.loads(content)
    return Said(**{**read, "files": tuple(read["files"]), "references": tuple(read["references"])})


def _purpose(thread: Conversation) -> str:
    return f"conversation:{thread.organisation_id}"


def _name(row: ConversationMail) -> str:
    return f"conversation:{row.id}"


def of(session: Session, thread: Conversation) -> list[ConversationMail]:
    """Return the mails of a conversation, the oldest first."""
    query = select(ConversationMail).where(ConversationMail.conversation_id == thread.id)
    return list(session.scalars(query.order_by(ConversationMail.id)))


def newest(session: Session, thread: Conversation, direction: Direction) -> ConversationMail | None:
    """Return the newest mail that went one way."""
    query = select(ConversationMail).where(
        ConversationMail.conversation_id == thread.id, ConversationMail.direction == direction
    )
    return session.scalars(query.order_by(ConversationMail.id.desc()).limit(1)).first()


def of_delivery(session: Session, delivery_id: int) -> ConversationMail | None:
    """Return the answer that left as a delivery; None when the delivery was something else."""
    query = select(ConversationMail).where(
        ConversationMail.delivery_id == delivery_id, ConversationMail.direction == Direction.OUT
    )
    return session.scalars(query).first()


def named_by(session: Session, message_ids: Iterable[str]) -> Sequence[ConversationMail]:
    """Return the mails written to us that have one of these names, the newest first."""
    wanted = {digest(each) for each in message_ids} - {""}
    if not wanted:
        return []
    query = select(ConversationMail).where(
        ConversationMail.message_digest.in_(wanted), ConversationMail.direction == Direction.IN
    )
    return session.scalars(query.order_by(ConversationMail.id.desc())).all()
