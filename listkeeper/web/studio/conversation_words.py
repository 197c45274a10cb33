"""The words for what happens in a conversation: its clock, its mails, what became of an answer."""

from __future__ import annotations

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.feedback import promise
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock, language
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.last_mails import Mailed
from listkeeper.web.studio import words
from listkeeper.web.studio.words import Said

_ON_ITS_WAY = frozenset(
    {DeliveryState.QUEUED, DeliveryState.LEASED, DeliveryState.HANDED, DeliveryState.DEFERRED, DeliveryState.IN_DOUBT}
)


def states() -> dict[ConversationState, str]:
    """Say what the kinds of conversations are called."""
    return {
        ConversationState.OPEN: language.text("Waiting for you"),
        ConversationState.ANSWERED: language.text("You answered"),
        ConversationState.DONE: language.text("Done"),
        ConversationState.SET_ASIDE: language.text("Set aside"),
    }


def clock_of(found: Conversation, given: Promise) -> Said:
    """Say how a conversation stands to what was promised."""
    if found.state is not ConversationState.OPEN:
        return Said(states()[found.state], "good" if found.state is ConversationState.ANSWERED else "")
    moment, due = clock.now(), given.due(found)
    if due < moment:
        return Said(language.text("late by %(span)s", span=language.span(moment - due)), "bad")
    tone = "warn" if promise.nearly_over(found, given) <= moment else ""
    return Said(language.text("answer due %(span)s", span=language.span(due - moment, ahead=True)), tone)


def mail(mailed: Mailed) -> str:
    """Say what a mail to somebody was: a letter by its subject."""
    if mailed.subject is not None:
        return mailed.subject
    return {
        MessageClass.DOI: language.text("the mail that asks for a yes"),
        MessageClass.REPLY: language.text("an answer of yours"),
    }.get(mailed.message_class, language.text("a note about their subscription"))


def left(sent: Delivery) -> Said:
    """Say what became of an answer."""
    if sent.state in _ON_ITS_WAY:
        return Said(language.text("on its way"), "warn")
    if sent.state is DeliveryState.ACCEPTED:
        return Said(language.text("delivered"), "good")
    why = words.refusal(sent.refusal_code) if sent.refusal_code else sent.reply_text or ""
    return Said(language.text("not delivered: %(why)s", why=why), "bad")
