"""What came back, one row for each thing that somebody told us of one mail: the timeline of a person and of a letter.

Texts of receivers are kept with addresses masked. The mail or payload itself
lies in the vault under the person's key (``audience.proof.kept_copy``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

LONGEST_REPLY = 500


class FeedbackKind(StrEnum):
    """What happened."""

    BOUNCED = "bounced"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    AUTOREPLIED = "autoreplied"
    REPLIED = "replied"
    # What they told us in a word we do not know, or that is no news of one mail.
    OTHER = "other"


class Proof(StrEnum):
    """Why we believe that it is about this mail of ours; without one, nothing follows from it."""

    # The address it came back to, which only we can make.
    TOKEN = "token"  # noqa: S105 - no password
    # The Message-ID of our mail, which only those know who have it.
    MESSAGE_ID = "message_id"
    # The server answered us, while we spoke to it.
    REPLY = "reply"
    NONE = "none"


class Outcome(StrEnum):
    """What came of it."""

    NOTED = "noted"
    # One more in a row; not enough yet.
    COUNTED = "counted"
    # Nothing is sent to this address any more.
    HELD = "held"
    # She left, by this very act.
    LEFT = "left"
    # It is about us: an incident of the sender's.
    SENDER = "sender"
    # It is about the letter.
    LETTER = "letter"
    # Nobody proved whose mail it is about.
    UNPROVEN = "unproven"


class FeedbackEvent(Table):
    """One thing that somebody told us."""

    __tablename__ = "feedback_event"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[FeedbackKind] = columns.enum(FeedbackKind)
    # A way of ``inbound``, or ``answer`` for what a server said while we spoke to it.
    source: Mapped[str] = mapped_column(String(16))
    # What makes it the same thing told twice.
    external_id: Mapped[str] = mapped_column(String(100))
    inbound_id: Mapped[int | None] = mapped_column(columns.RowId)
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    campaign_id: Mapped[int | None] = mapped_column(columns.RowId)
    subscriber_id: Mapped[int | None] = mapped_column(columns.RowId)
    proof: Mapped[Proof] = columns.enum(Proof)
    provider: Mapped[str | None] = mapped_column(String(mail_provider.LONGEST))
    reply_class: Mapped[ReplyClass | None] = columns.enum(ReplyClass, nullable=True)
    permanent: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(16), default="")
    reply: Mapped[str] = mapped_column(String(LONGEST_REPLY), default="")
    # Which rule said so (``reply_class``), or their own word for it.
    rule: Mapped[str] = mapped_column(String(80), default="")
    # When it happened, as they say, and when we heard of it.
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    outcome: Mapped[Outcome] = columns.enum(Outcome, default=Outcome.NOTED)
    # Which in the row it was, and since when (``undelivered``).
    number: Mapped[int | None] = mapped_column()
    since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When what came of it was taken back, because we had been wrong.
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("organisation_id", "source", "external_id"),
        Index("ix_feedback_event_subscriber", "subscriber_id", "id"),
        Index("ix_feedback_event_campaign", "campaign_id", "kind"),
        Index("ix_feedback_event_received_at", "received_at"),
    )


def add(session: Session, made: FeedbackEvent) -> FeedbackEvent | None:
    """Store an event and return it; None when it was told before."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = {
        column.key: getattr(made, column.key)
        for column in FeedbackEvent.__table__.columns
        if column.key != "id" and getattr(made, column.key) is not None
    }
    values = {"received_at": clock.now(), "permanent": False, "status": "", "reply": "", "rule": ""} | values
    number = session.scalar(
        insert(FeedbackEvent)
        .values({"outcome": Outcome.NOTED} | values)
        .on_conflict_do_nothing()
        .returning(FeedbackEvent.id)
    )
    return None if number is None else session.get_one(FeedbackEvent, number)


def of_person(session: Session, subscriber_id: int, most: int = 100) -> list[FeedbackEvent]:
    """Return what was told about a person's mails, the newest first."""
    query = select(FeedbackEvent).where(FeedbackEvent.subscriber_id == subscriber_id)
    return list(session.scalars(query.order_by(FeedbackEvent.id.desc()).limit(most)))


def forget(session: Session, subscriber_id: int) -> None:
    """Let go of a person: what was told of her mails is a number from now on."""
    hers = update(FeedbackEvent).where(FeedbackEvent.subscriber_id == subscriber_id)
    session.execute(hers.values(subscriber_id=None, reply=""), execution_options={"synchronize_session": False})
