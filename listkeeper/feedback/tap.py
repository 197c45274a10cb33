"""How is it going? One tap in a letter and one press on its page: fine, a question, or a problem that cannot wait.

The links (``{{ links.fine }}``) are the reader's own, so it is known who
presses; a scanner that follows links presses nothing. What is fine waits for
nobody; a question opens a conversation, and a problem an urgent one.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import thread, thread_mail
from listkeeper.audience.activity import ActivityKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction, Said
from listkeeper.feedback import letter_act, promise
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock, language
from listkeeper.sending import last_mails
from listkeeper.sending.delivery import Delivery

LONGEST = 4_000
# Whoever presses more often than that about one letter is no person.
_MOST = 20


class Tap(StrEnum):
    """What was tapped."""

    FINE = "fine"
    QUESTION = "question"
    PROBLEM = "problem"


def label(tapped: Tap) -> str:
    """Return what the tap says, in the language in use."""
    return {
        Tap.FINE: language.text("All is fine"),
        Tap.QUESTION: language.text("I have a question"),
        Tap.PROBLEM: language.text("Something is wrong"),
    }[tapped]


def press(session: Session, letter: Delivery, tapped: Tap, words: str, given: Promise) -> Conversation | None:
    """Store what somebody pressed on the page of her letter; None when nobody is there (any more), or enough was said.

    The same once more is known already, and is not stored again.
    """
    # Not held: whoever erases her holds her conversations first, and her last.
    person = session.get(Subscriber, letter.subscriber_id) if letter.subscriber_id is not None else None
    if person is None:
        return None
    found = _known(session, letter, person)
    with language.using(person.language):
        said = _said(session, letter, person, tapped, words)
    if found is not None and _is_said(session, found, said):
        return found
    if found is not None and found.mails_in >= _MOST:
        return None
    # What is fine waits for nobody, but words are to be read.
    waits = tapped is not Tap.FINE or bool(words.strip())
    found = _begun(session, letter, person) if found is None else thread.goes_on(found, clock.now(), waits=waits)
    row = ConversationMail(direction=Direction.IN, at=clock.now(), proven=True, delivery_id=letter.id)
    thread_mail.add(session, found, row, said)
    campaign_id = letter.campaign_id or 0
    letter_act.note(session, person.id, letter, ActivityKind.ANSWERED, clock.now(), campaign_id=campaign_id)
    if tapped is Tap.PROBLEM:
        promise.mark(found, given, urgent=True)
    elif not waits and found.mails_in == 1:
        thread.move(found, ConversationState.DONE)
        found.closed_at = found.opened_at
    return found


def _known(session: Session, letter: Delivery, person: Subscriber) -> Conversation | None:
    query = select(Conversation.id).where(
        Conversation.delivery_id == letter.id,
        Conversation.subscriber_id == person.id,
        Conversation.own_address.is_(True),
    )
    number = session.scalars(query.order_by(Conversation.id.desc()).limit(1)).first()
    return thread.hold(session, number) if number is not None else None


def _said(session: Session, letter: Delivery, person: Subscriber, tapped: Tap, words: str) -> Said:
    text = "\n\n".join(part for part in (f"[{label(tapped)}]", words.replace("\r", "").strip()[:LONGEST]) if part)
    subject = last_mails.subject_of(session, letter.id) or ""
    # A subject with merge tags was hers alone, and is not made anew.
    shown = "" if "{" in subject else subject
    references = (letter.message_id,) if letter.message_id else ()
    return Said(text, f"Re: {shown}" if shown else label(tapped), person.email_send, references=references)


def _is_said(session: Session, found: Conversation, said: Said) -> bool:
    last = thread_mail.newest(session, found, Direction.IN)
    before = thread_mail.opened(session, found, last) if last is not None else None
    return before is not None and before.text == said.text


def _begun(session: Session, letter: Delivery, person: Subscriber) -> Conversation:
    begun = Conversation(
        organisation_id=letter.organisation_id,
        subscriber_id=person.id,
        delivery_id=letter.id,
        sender_key=person.suppression_key,
        own_address=True,
    )
    return thread.begin(session, begun, clock.now())
