"""Answering: a mail of class reply in the thread of hers, to the address she wrote from or is known under by now."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.audience import thread, thread_mail
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Direction, Said
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery
from listkeeper.sending.delivery import Delivery
from listkeeper.standards import address

LONGEST = 20_000
# A button that was pressed twice sends one answer.
_TWICE = timedelta(minutes=10)
_MOST_REFERENCES = 20
_RE = re.compile(r"\A(?:\s*(?:re|aw|sv|vs|odp|antw|ang|на|ответ)\s*(?:\[\d+\])?\s*:)+\s*", re.IGNORECASE)


def answer(session: Session, found: Conversation, text: str, *, actor: str, given: Promise) -> Delivery:
    """Queue an answer and stop the clock; ``actor`` is who wrote it.

    Raises Invalid for no text, or too much of it; Conflict when no person wrote, nobody knows where to, or it has just
    been sent.
    """
    found = thread.hold(session, found.id)
    written = "\n".join(line.rstrip() for line in text.replace("\r", "").split("\n")).strip()
    if not written:
        raise Invalid("no_answer", language.text("Please write an answer first. Nothing was sent."))
    if len(written) > LONGEST:
        raise Invalid("answer_too_long", language.text("This answer is too long. Nothing was sent."))
    if found.state is ConversationState.SET_ASIDE:
        raise Conflict("set_aside", language.text("This is set aside as the mail of no person. Take it back first."))
    _demand_new(session, found, written)
    said, to = _said(session, found, written)
    row = ConversationMail(direction=Direction.OUT, at=clock.now(), proven=True, actor=actor)
    thread_mail.add(session, found, row, said)
    made = delivery.queue(session, _delivery(found, row, to))
    row.delivery_id = made.id
    _stop_clock(found, row, given)
    return made


def _demand_new(session: Session, found: Conversation, written: str) -> None:
    last = thread_mail.newest(session, found, Direction.OUT)
    if last is None or clock.now() - last.at > _TWICE or found.last_in_at > last.at:
        return
    before = thread_mail.opened(session, found, last)
    if before is not None and before.text == written:
        raise Conflict("answered_already", language.text("This very answer has just been sent. It is not sent twice."))


def _said(session: Session, found: Conversation, written: str) -> tuple[Said, str | None]:
    """Return the answer in the thread of her newest mail (RFC 5322 section 3.6.4), and where to unless we know.

    Her words are not quoted: who forged her address would have us carry his to her.
    """
    last = thread_mail.newest(session, found, Direction.IN)
    hers = thread_mail.opened(session, found, last) if last is not None else None
    if hers is None:
        hers = Said("")
    to = None if found.own_address else _address(hers)
    references = tuple(dict.fromkeys(one for one in (*hers.references, hers.message_id) if one))
    return Said(written, f"Re: {_RE.sub('', hers.subject)}".strip(), references=_least(references)), to


def _least(references: tuple[str, ...]) -> tuple[str, ...]:
    # The first and the newest are what mail programs thread by.
    return references if len(references) <= _MOST_REFERENCES else (references[0], *references[-_MOST_REFERENCES + 1 :])


def _address(hers: Said) -> str:
    try:
        return address.parse(hers.sender).send
    except Invalid:
        raise Conflict(
            "no_sender", language.text("Nobody knows where an answer could go: the mail names no sender, or is gone.")
        ) from None


def _delivery(found: Conversation, row: ConversationMail, to: str | None) -> Delivery:
    return Delivery(
        organisation_id=found.organisation_id,
        message_class=MessageClass.REPLY,
        lane=Lane.URGENT,
        occasion=f"reply:{row.id}",
        subscriber_id=found.subscriber_id,
        notice_id=found.id,
        typed_address=to,
    )


def _stop_clock(found: Conversation, row: ConversationMail, given: Promise) -> None:
    if found.first_answer_at is None:
        found.due_at = given.due(found)
        found.first_answer_at, found.in_time = row.at, row.at <= found.due_at
    if found.state is not ConversationState.ANSWERED:
        thread.move(found, ConversationState.ANSWERED)


def done(session: Session, found: Conversation) -> None:
    """Put a conversation away: nobody waits for anything."""
    found = thread.hold(session, found.id)
    if found.state is not ConversationState.DONE:
        thread.move(found, ConversationState.DONE)


def set_aside(session: Session, found: Conversation) -> None:
    """Put away what no person wrote."""
    thread.move(thread.hold(session, found.id), ConversationState.SET_ASIDE)


def open_again(session: Session, found: Conversation) -> None:
    """Take a conversation back: she waits again, from now on, or from when she wrote if it was set aside by mistake."""
    found = thread.hold(session, found.id)
    since = found.last_in_at if found.state is ConversationState.SET_ASIDE else clock.now()
    thread.waits_again(found, since)
