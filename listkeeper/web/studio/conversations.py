"""Replies: who wrote, how long they may wait, and beside each what is known, so that nobody has to say it twice.

What strangers wrote is shown as plain text: no link of theirs can be followed
here, no picture is fetched, no file opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import complaint, consent, profile_told, subscription, thread, thread_mail
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail, Said
from listkeeper.feedback import answering, conversation, conversation_list, leaving_wish, promise
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.sending import delivery, last_mails
from listkeeper.sending.delivery import Delivery
from listkeeper.web.studio import conversation_words, member, page, words

blueprint = Blueprint("conversations", __name__, url_prefix=f"{page.ROOT}/replies")


@dataclass(frozen=True)
class Mail:
    """One mail of a conversation; without ``said`` its text is gone. ``left`` is what became of an answer."""

    row: ConversationMail
    said: Said | None
    left: Delivery | None


@blueprint.get("")
def show() -> Response:
    """List conversations of one kind, those that wait unless asked for others."""
    try:
        state = ConversationState(request.args.get("state", ConversationState.OPEN.value))
    except ValueError:
        state = ConversationState.OPEN
    start = max(request.args.get("start", 0, type=int), 0)
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = conversation_list.listed(session, owner, state, start=start, most=conversation_list.PAGE + 1)
        return page.answer(
            session,
            "conversations",
            state=state,
            states=conversation_words.states(),
            counts=conversation_list.counts(session, owner),
            threads=found[: conversation_list.PAGE],
            newer=max(start - conversation_list.PAGE, 0) if start else None,
            older=start + conversation_list.PAGE if len(found) > conversation_list.PAGE else None,
            figure=promise.figure(session, owner, clock.now() - promise.FIGURE_OF),
            given=parts.promise(),
            say_clock=conversation_words.clock_of,
            say_span=language.span,
            is_stuck=promise.is_stuck,
        )


@blueprint.get("/<public_id>")
def show_one(public_id: str) -> Response:
    """Show one conversation, and beside it what is known of whoever wrote."""
    return _shown(public_id)


def _shown(public_id: str, *, typed: str = "", problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = thread.named(session, owner, public_id)
        mails = _mails(session, found)
        newest = next((each.said for each in reversed(mails) if each.row.is_hers and each.said), None)
        return page.answer(
            session,
            "conversation",
            status=status,
            thread=found,
            mails=mails,
            newest=newest,
            subject=newest.subject if newest else "",
            about=last_mails.subject_of(session, found.delivery_id) if found.delivery_id else None,
            wants_to_leave=newest is not None and leaving_wish.is_in(newest.text),
            typed=typed,
            most=answering.LONGEST,
            problem=problem,
            given=parts.promise(),
            say_clock=conversation_words.clock_of,
            say_mail=conversation_words.mail,
            say_left=conversation_words.left,
            say_operator=lambda actor: words.operator(session, actor),
            is_stuck=promise.is_stuck(found),
            **_beside(session, owner, found),
        )


def _mails(session: Session, found: Conversation) -> list[Mail]:
    return [
        Mail(
            row,
            thread_mail.opened(session, found, row),
            delivery.numbered(session, row.delivery_id) if row.delivery_id and not row.is_hers else None,
        )
        for row in thread_mail.of(session, found)
    ]


def _beside(session: Session, owner: Organisation, found: Conversation) -> dict[str, Any]:
    """Return what is known of whoever wrote: consent, last mails, answers, and what else we owe her."""
    person = session.get(Subscriber, found.subscriber_id) if found.subscriber_id else None
    if person is None:
        return {"person": None}
    others = [each for each in conversation.of_person(session, person.id) if each.id != found.id]
    waiting = [each for each in others if each.state is ConversationState.OPEN]
    return {
        "person": person,
        "subscriptions": subscription.all_of(session, person),
        "given_yes": _newest_yes(session, person),
        "last": last_mails.of_person(session, person.id),
        "told": profile_told.told_by(session, person, owner.language),
        "waiting": conversation_list.described(session, waiting),
        "say_state": words.subscription,
        "say_method": words.method,
    }


def _newest_yes(session: Session, person: Subscriber) -> dict[int, ConsentEvent]:
    said = sorted(consent.history(session, person), key=lambda event: event.at)
    return {event.list_id: event for event in said if event.kind is EventKind.GIVEN}


_Act = Callable[[Session, Conversation], None]


def _do(public_id: str, action: str, said: str, act: _Act) -> AnyResponse:
    """Do one thing to a conversation, whole or not at all, and note who did it."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = thread.named(session, owner, public_id)
            act(session, found)
            audit_log.record(session, owner.id, member.present().actor, action, public_id)
    except Conflict as problem:
        return page.back_to("conversations.show_one", problem.message, "bad", public_id=public_id)
    return page.back_to("conversations.show_one", said, public_id=public_id)


@blueprint.post("/<public_id>/answer")
def answer(public_id: str) -> Response | AnyResponse:
    """Send an answer; what was typed stays where it cannot be sent."""
    typed, who = request.form.get("text", ""), member.present().actor

    def act(session: Session, found: Conversation) -> None:
        answering.answer(session, found, typed, actor=who, given=parts.promise())

    try:
        return _do(public_id, "reply.answered", language.text("Your answer is on its way."), act)
    except Invalid as problem:
        return _shown(public_id, typed=typed, problem=problem, status=422)


@blueprint.post("/<public_id>/urgent")
def mark(public_id: str) -> AnyResponse:
    """Say whether it is urgent."""
    urgent = request.form.get("urgent") == "yes"

    def act(session: Session, found: Conversation) -> None:
        promise.mark(thread.hold(session, found.id), parts.promise(), urgent=urgent)

    said = language.text("Marked as urgent.") if urgent else language.text("No longer urgent.")
    return _do(public_id, "reply.urgent" if urgent else "reply.not_urgent", said, act)


@blueprint.post("/<public_id>/done")
def done(public_id: str) -> AnyResponse:
    """Put it away."""
    return _do(public_id, "reply.done", language.text("Done. It opens again if they write."), answering.done)


@blueprint.post("/<public_id>/set-aside")
def set_aside(public_id: str) -> AnyResponse:
    """Put away what no person wrote."""
    return _do(public_id, "reply.set_aside", language.text("Set aside. It counts in no figure."), answering.set_aside)


@blueprint.post("/<public_id>/open")
def open_again(public_id: str) -> AnyResponse:
    """Take it back."""
    return _do(public_id, "reply.opened", language.text("It waits for an answer again."), answering.open_again)


@blueprint.post("/<public_id>/stop")
def stop(public_id: str) -> AnyResponse:
    """Take whoever wrote off every list, because they asked for it."""
    who = member.present().actor

    def act(session: Session, found: Conversation) -> None:
        if found.subscriber_id is None:
            raise Conflict("no_subscriber", language.text("Whoever wrote this is on none of your lists."))
        complaint.stop_everything(session, found.subscriber_id, method=Method.OPERATOR, actor=who)

    said = language.text("Done. No letter goes to this person any more, from no list.")
    return _do(public_id, "subscriber.stopped", said, act)


@blueprint.post("/promise")
def show_promise() -> AnyResponse:
    """Show the promise and its figure beside the sign-up form, or no longer."""
    shown = request.form.get("shown") == "yes"
    with store.transaction() as session:
        owner = organisation.only_one(session)
        owner.shows_promise = shown
        action = "promise.shown" if shown else "promise.hidden"
        audit_log.record(session, owner.id, member.present().actor, action, owner.public_id)
    said = language.text("Your form shows it now.") if shown else language.text("Your form shows it no longer.")
    return page.back_to("conversations.show", said)
