"""Who wrote to us, about what, and which conversation it belongs to.

A mail belongs to the conversation whose answer it answers; else it begins one
about the letter that it answers; else all there is to go by is the address in
From, which anybody can write there. Then it stands beside the person and says
so: it changes no permission, and an answer goes to the address that we know.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import subscriber, suppression, thread, thread_mail
from listkeeper.audience.activity import ActivityKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction, Said
from listkeeper.feedback import letter_act, reply_reading
from listkeeper.feedback.event import FeedbackEvent, Proof
from listkeeper.feedback.inbound import Arrived
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.delivery import Delivery
from listkeeper.standards import address

_FORGOTTEN_AT_ONCE = 500
# A conversation that is over is not begun anew by the next mail about the same letter; only an answer in it does that.
_JOINED = (ConversationState.OPEN, ConversationState.ANSWERED, ConversationState.SET_ASIDE)


@dataclass(frozen=True)
class _Writer:
    """Who wrote, as far as is known: the person, the keyed hash of the address, and whether anything proves it."""

    person: Subscriber | None
    key: str
    proven: bool

    @property
    def own_address(self) -> bool:
        return self.person is not None and self.person.suppression_key == self.key


def receive(session: Session, arrived: Arrived, made: FeedbackEvent) -> Conversation | None:
    """Lay a person's mail into its conversation and return that; None when it was laid there before.

    ``made`` says of which delivery it was proved to be. The same mail may come by two ways, and is one mail.
    """
    said = reply_reading.read(arrived.content)
    if _is_known(session, arrived.organisation_id, said):
        return None
    writer = _writer(session, arrived.organisation_id, said, made)
    found = _joined(session, arrived, said, writer, made)
    if found is None:
        found = _begun(session, arrived, writer, made)
    else:
        thread.goes_on(found, arrived.received_at)
    row = ConversationMail(
        direction=Direction.IN,
        at=arrived.received_at,
        proven=writer.proven,
        message_digest=thread_mail.digest(said.message_id),
        delivery_id=made.delivery_id,
        feedback_event_id=made.id,
    )
    thread_mail.add(session, found, row, said)
    _note_act(session, writer, made, arrived)
    return found


def _note_act(session: Session, writer: _Writer, made: FeedbackEvent, arrived: Arrived) -> None:
    """Note that she wrote back; what nobody proves is no act of hers, because anybody can write her address there."""
    letter = session.get(Delivery, made.delivery_id) if writer.proven else None
    if letter is not None and writer.person is not None:
        at, campaign_id = arrived.received_at, letter.campaign_id or 0
        letter_act.note(session, writer.person.id, letter, ActivityKind.REPLIED, at, campaign_id=campaign_id)


def _is_known(session: Session, organisation_id: int, said: Said) -> bool:
    known = [row.conversation_id for row in thread_mail.named_by(session, [said.message_id])]
    query = select(Conversation.id).where(Conversation.id.in_(known), Conversation.organisation_id == organisation_id)
    return bool(known) and session.scalars(query.limit(1)).first() is not None


def _writer(session: Session, organisation_id: int, said: Said, made: FeedbackEvent) -> _Writer:
    key, person = "", None
    try:
        parsed = address.parse(said.sender)
    except Invalid:
        parsed = None
    if parsed is not None:
        key = suppression.key_of(organisation_id, parsed.key)
    proven = made.proof is not Proof.NONE and made.delivery_id is not None
    if proven and made.subscriber_id is not None:
        person = session.get(Subscriber, made.subscriber_id)
    elif not proven and parsed is not None:
        person = subscriber.with_address(session, organisation_id, parsed.key)
    return _Writer(person, key, proven)


def _joined(
    session: Session, arrived: Arrived, said: Said, writer: _Writer, made: FeedbackEvent
) -> Conversation | None:
    """Return the conversation it belongs to, held; None when it begins one."""
    number = _by_answer(session, made) or _by_reference(session, said, writer) or _by_letter(session, made, writer)
    if number is None:
        return None
    found = thread.hold(session, number)
    return found if found.organisation_id == arrived.organisation_id else None


def _by_answer(session: Session, made: FeedbackEvent) -> int | None:
    """Find it as an answer to an answer of ours, whose name only those know who have it."""
    if made.proof is Proof.NONE or made.delivery_id is None:
        return None
    answered = thread_mail.of_delivery(session, made.delivery_id)
    return answered.conversation_id if answered is not None else None


def _by_reference(session: Session, said: Said, writer: _Writer) -> int | None:
    """Find it as what goes on from an earlier mail of the same writer."""
    numbers = [row.conversation_id for row in thread_mail.named_by(session, said.references)]
    if not numbers or not writer.key:
        return None
    query = select(Conversation.id).where(Conversation.id.in_(numbers), Conversation.sender_key == writer.key)
    return session.scalars(query.order_by(Conversation.id.desc()).limit(1)).first()


def _by_letter(session: Session, made: FeedbackEvent, writer: _Writer) -> int | None:
    """Find what the same writer began about the same letter; what nobody proves joins nothing that is proven."""
    if not writer.key:
        return None
    # "IS NULL" where it is about no mail of ours.
    same_letter = Conversation.delivery_id == made.delivery_id
    query = (
        select(Conversation.id)
        .join(ConversationMail, ConversationMail.conversation_id == Conversation.id)
        .where(Conversation.organisation_id == made.organisation_id, Conversation.sender_key == writer.key, same_letter)
        .where(Conversation.state.in_(_JOINED), ConversationMail.proven.is_(writer.proven))
    )
    return session.scalars(query.order_by(Conversation.id.desc()).limit(1)).first()


def _begun(session: Session, arrived: Arrived, writer: _Writer, made: FeedbackEvent) -> Conversation:
    begun = Conversation(
        organisation_id=arrived.organisation_id,
        subscriber_id=writer.person.id if writer.person is not None else None,
        delivery_id=made.delivery_id if writer.proven else None,
        sender_key=writer.key,
        own_address=writer.own_address,
    )
    return thread.begin(session, begun, arrived.received_at)


def of_person(session: Session, subscriber_id: int, most: int = 50) -> list[Conversation]:
    """Return the conversations with a person, the newest first."""
    query = select(Conversation).where(Conversation.subscriber_id == subscriber_id)
    return list(session.scalars(query.order_by(Conversation.id.desc()).limit(most)))


def forget_past(session: Session) -> None:
    """Delete what strangers wrote long ago; what subscribers wrote is deleted in the vault."""
    long_ago = ConversationMail.at < clock.now() - thread_mail.KEPT
    old = select(ConversationMail.id).where(long_ago, ConversationMail.sealed.is_not(None)).limit(_FORGOTTEN_AT_ONCE)
    gone = update(ConversationMail).where(ConversationMail.id.in_(list(session.scalars(old))))
    session.execute(gone.values(sealed=None), execution_options={"synchronize_session": False})


def forget(session: Session, subscriber_id: int, subject_ref: str) -> None:
    """Let go of a person: of her conversations only their times stay, for the figure. Erasure calls this.

    What she wrote lies under her key, which is destroyed beside. Who wrote to us before she came to the list, under
    the same address, is forgotten with her.
    """
    person = session.scalar(select(Subscriber).where(Subscriber.subject_ref == subject_ref))
    hers = Conversation.subscriber_id == subscriber_id
    if person is not None:
        by_address = Conversation.sender_key == person.suppression_key
        hers = or_(hers, by_address & (Conversation.organisation_id == person.organisation_id))
    numbers = list(session.scalars(select(Conversation.id).where(hers).order_by(Conversation.id).with_for_update()))
    of_hers = ConversationMail.conversation_id.in_(numbers)
    unsynchronized = {"synchronize_session": False}
    session.execute(delete(ConversationMail).where(of_hers), execution_options=unsynchronized)
    gone = update(Conversation).where(Conversation.id.in_(numbers))
    session.execute(gone.values(subscriber_id=None, sender_key="", own_address=False), execution_options=unsynchronized)
    still_open = gone.where(Conversation.state.in_([ConversationState.OPEN, ConversationState.ANSWERED]))
    session.execute(still_open.values(state=ConversationState.DONE), execution_options=unsynchronized)
    session.expire_all()
