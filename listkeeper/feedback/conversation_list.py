"""The conversations as a list: who waits longest comes first, what is urgent before all, what is over last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import thread_mail
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction, Said

PAGE = 50
_BEGINNING = 140


@dataclass(frozen=True)
class Listed:
    """One conversation as a list shows it: who wrote, the subject, how her newest mail begins."""

    thread: Conversation
    who: str
    subject: str
    beginning: str
    # Whether anything proves that the newest mail is hers.
    proven: bool


def listed(
    session: Session, organisation: Organisation, state: ConversationState, *, start: int = 0, most: int = PAGE
) -> list[Listed]:
    """Return the conversations in a state; those that wait in the order in which they have to be answered."""
    query = select(Conversation).where(Conversation.organisation_id == organisation.id, Conversation.state == state)
    if state is ConversationState.OPEN:
        query = query.order_by(Conversation.urgent.desc(), Conversation.waits_since, Conversation.id)
    else:
        query = query.order_by(Conversation.last_in_at.desc(), Conversation.id.desc())
    return described(session, session.scalars(query.offset(start).limit(most)).all())


def described(session: Session, threads: Sequence[Conversation]) -> list[Listed]:
    """Return conversations as a list shows them, in their order."""
    addresses = _addresses(session, threads)
    newest = _newest(session, threads)
    return [_listed(session, each, addresses, newest.get(each.id)) for each in threads]


def _addresses(session: Session, threads: Sequence[Conversation]) -> dict[int | None, str]:
    numbers = {each.subscriber_id for each in threads if each.subscriber_id is not None}
    query = select(Subscriber.id, Subscriber.email_send).where(Subscriber.id.in_(numbers))
    return {row[0]: row[1] for row in session.execute(query)}


def _newest(session: Session, threads: Sequence[Conversation]) -> dict[int, ConversationMail]:
    last = (
        select(func.max(ConversationMail.id))
        .where(
            ConversationMail.conversation_id.in_([each.id for each in threads]),
            ConversationMail.direction == Direction.IN,
        )
        .group_by(ConversationMail.conversation_id)
    )
    rows = session.scalars(select(ConversationMail).where(ConversationMail.id.in_(last)))
    return {row.conversation_id: row for row in rows}


def _listed(
    session: Session, found: Conversation, addresses: dict[int | None, str], row: ConversationMail | None
) -> Listed:
    said = (thread_mail.opened(session, found, row) if row is not None else None) or Said("")
    return Listed(
        thread=found,
        who=addresses.get(found.subscriber_id, "") or said.sender,
        subject=said.subject,
        beginning=" ".join(said.text.split())[:_BEGINNING],
        proven=row is not None and row.proven,
    )


def counts(session: Session, organisation: Organisation) -> dict[ConversationState, int]:
    """Return how many conversations are in each state."""
    query = (
        select(Conversation.state, func.count())
        .where(Conversation.organisation_id == organisation.id)
        .group_by(Conversation.state)
    )
    found = {row[0]: row[1] for row in session.execute(query)}
    return {state: found.get(state, 0) for state in ConversationState}
