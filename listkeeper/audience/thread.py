"""A conversation: what somebody wrote to us, and what we answered; she began it, and that alone lets us write to her.

The row knows no address but its keyed hash, as the suppression list does. The
gate asks here whether an answer may go (``gate_clauses.reply``); who is
answered, and when, is what ``feedback`` is about.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.table import Table


class ConversationState(StrEnum):
    """Who has to do something next."""

    # She waits for us.
    OPEN = "open"
    # We wait for her.
    ANSWERED = "answered"
    # Nobody does.
    DONE = "done"
    # No person wrote it: it gets no answer, and is in no figure.
    SET_ASIDE = "set_aside"


S = ConversationState
TRANSITIONS: dict[ConversationState, frozenset[ConversationState]] = {
    S.OPEN: frozenset({S.ANSWERED, S.DONE, S.SET_ASIDE}),
    # Open again: she writes once more, or our answer did not reach her.
    S.ANSWERED: frozenset({S.OPEN, S.DONE, S.SET_ASIDE}),
    # Answered: somebody thought of something else to tell her.
    S.DONE: frozenset({S.OPEN, S.ANSWERED}),
    # A person wrote it after all.
    S.SET_ASIDE: frozenset({S.OPEN}),
}
CLOSED = frozenset({S.DONE, S.SET_ASIDE})


class Conversation(Table):
    """One conversation about one letter, or about whatever somebody wrote to us for."""

    __tablename__ = "conversation"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("cnv")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # A stranger has none.
    subscriber_id: Mapped[int | None] = mapped_column(columns.RowId)
    # The mail of ours that was answered.
    delivery_id: Mapped[int | None] = mapped_column(columns.RowId)
    # The keyed hash of the address she writes from; empty when there is none, or she was forgotten.
    sender_key: Mapped[str] = mapped_column(String(64), default="")
    # Whether that is the address under which we know her: then answers go to the one she has by now.
    own_address: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ConversationState] = columns.enum(ConversationState, default=ConversationState.OPEN)
    urgent: Mapped[bool] = mapped_column(default=False)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Her newest mail, and how many they are.
    last_in_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mails_in: Mapped[int] = mapped_column(Integer, default=1)
    # Since when she waits this time, and until when we promised an answer; empty until somebody set the clock.
    waits_since: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When the owners were told that this clock has nearly run out.
    escalated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_answer_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether the first answer left within what was promised.
    in_time: Mapped[bool | None] = mapped_column()
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_conversation_state", "organisation_id", "state", "waits_since"),
        Index("ix_conversation_subscriber", "subscriber_id"),
        Index("ix_conversation_sender", "organisation_id", "sender_key"),
        Index("ix_conversation_opened_at", "organisation_id", "opened_at"),
        Index("ix_conversation_delivery", "delivery_id"),
    )


def move(thread: Conversation, target: ConversationState) -> None:
    """Change the state by the table above. Raises Conflict for a way that does not exist."""
    if target not in TRANSITIONS[thread.state]:
        raise Conflict(
            "conversation_state", language.text("Somebody else has just done something with this conversation.")
        )
    thread.state = target
    thread.closed_at = clock.now() if target in CLOSED else None


def begin(session: Session, made: Conversation, at: datetime) -> Conversation:
    """Store a conversation with her first mail, which came at a moment: from then on she waits."""
    made.opened_at = made.last_in_at = made.waits_since = at
    session.add(made)
    session.flush()
    return made


def goes_on(thread: Conversation, at: datetime, *, waits: bool = True) -> Conversation:
    """Count one more mail of hers in a conversation that is held; she waits for us again if that was over."""
    thread.mails_in += 1
    thread.last_in_at = max(thread.last_in_at, at)
    if waits and thread.state in {S.ANSWERED, S.DONE}:
        waits_again(thread, at)
    return thread


def waits_again(thread: Conversation, since: datetime) -> None:
    """Let her wait for us, with a new clock."""
    if thread.state is not S.OPEN:
        move(thread, S.OPEN)
        thread.waits_since, thread.due_at, thread.escalated_at = since, None, None


def named(session: Session, organisation: Organisation, public_id: str) -> Conversation:
    """Return a conversation of an organisation by its public id. Raises NotFound."""
    query = select(Conversation).where(
        Conversation.organisation_id == organisation.id, Conversation.public_id == public_id
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_conversation", language.text("There is no such conversation."))
    return found


def hold(session: Session, thread_id: int) -> Conversation:
    """Lock a conversation and return it fresh: an answer and her next mail may come at the same moment."""
    query = select(Conversation).where(Conversation.id == thread_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def waiting(session: Session, organisation: Organisation) -> int:
    """Return how many people wait for an answer."""
    query = select(func.count()).where(
        Conversation.organisation_id == organisation.id, Conversation.state == ConversationState.OPEN
    )
    return session.scalar(query) or 0
