"""``listkeeper reply``: who wrote and waits, what they said, and an answer below it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import thread, thread_mail
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.audience.thread_mail import ConversationMail
from listkeeper.cli.context import emit, opened, with_json, with_settings
from listkeeper.feedback import answering, conversation_list, promise
from listkeeper.feedback.conversation_list import Listed
from listkeeper.foundation import clock
from listkeeper.settings import Settings

_ACTOR = "command"


@click.group()
def command() -> None:
    """Show who wrote to you and waits, and answer."""


@command.command(name="list")
@with_settings
@with_json
@click.option(
    "--state",
    type=click.Choice([state.value for state in ConversationState]),
    default=ConversationState.OPEN.value,
    show_default=True,
    help="Which conversations.",
)
def list_(settings: Settings, *, state: str, as_json: bool) -> None:
    """Show the conversations that wait, the most pressing first, and how the promise was kept for 30 days."""
    with opened(settings), store.reading() as session:
        business = organisation.only_one(session)
        found = conversation_list.listed(session, business, ConversationState(state))
        answer = {"conversations": [_listed(each) for each in found], "promise": _figure(session, business)}
    emit(answer, as_json=as_json, lines=_lines(answer))


def _short(found: Conversation) -> dict[str, Any]:
    return {
        "id": found.public_id,
        "state": found.state.value,
        "urgent": found.urgent,
        "opened_at": clock.as_text(found.opened_at),
        "waits_since": clock.as_text(found.waits_since) if found.state is ConversationState.OPEN else None,
        "due_at": clock.as_text(parts.promise().due(found)) if found.state is ConversationState.OPEN else None,
        "mails": found.mails_in,
    }


def _listed(each: Listed) -> dict[str, Any]:
    return {**_short(each.thread), "from": each.who, "subject": each.subject, "sender_proven": each.proven}


def _figure(session: Session, business: Organisation) -> dict[str, Any]:
    found = promise.figure(session, business, clock.now() - promise.FIGURE_OF)
    return {
        "letters": found.letters,
        "in_time": found.in_time,
        "median_seconds": int(found.median.total_seconds()) if found.median is not None else None,
        "closed_without_answer": found.closed,
        "waiting_over_24_hours": found.alone,
    }


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for row in answer["conversations"]:
        due = f"; answer due {row['due_at']}" if row["due_at"] else ""
        yield f"{row['id']}  {'urgent  ' if row['urgent'] else ''}{row['from']}: {row['subject']}{due}"
    if not answer["conversations"]:
        yield "There is none."
    kept = answer["promise"]
    yield f"Last 30 days: {kept['in_time']} of {kept['letters']} in time."


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def show(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Show one conversation with its mails, as plain text."""
    with opened(settings), store.reading() as session:
        found = thread.named(session, organisation.only_one(session), public_id)
        mails = [_mail(session, found, row) for row in thread_mail.of(session, found)]
        answer = {**_short(found), "mails": mails}
    lines = [f"{row['at']}  {row['direction']}  {row['from']}\n{row['text']}\n" for row in mails]
    emit(answer, as_json=as_json, lines=lines)


def _mail(session: Session, found: Conversation, row: ConversationMail) -> dict[str, Any]:
    said = thread_mail.opened(session, found, row)
    return {
        "direction": row.direction.value,
        "at": clock.as_text(row.at),
        "sender_proven": row.proven,
        "from": said.sender if said is not None else None,
        "subject": said.subject if said is not None else None,
        "text": said.text if said is not None else None,
        "files": list(said.files) if said is not None else [],
    }


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
@click.option("--text", help="What to answer; without it, what comes in on standard input.")
def answer(settings: Settings, *, public_id: str, text: str | None, as_json: bool) -> None:
    """Answer by mail, below what they wrote."""
    written = text if text is not None else sys.stdin.read(answering.LONGEST + 1)
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = thread.named(session, business, public_id)
        answering.answer(session, found, written, actor=_ACTOR, given=parts.promise())
        audit_log.record(session, business.id, _ACTOR, "reply.answered", public_id)
        session.flush()
        said = _short(found)
    emit(said, as_json=as_json, lines=["The answer is on its way."])


@command.command()
@with_settings
@with_json
@click.argument("public_id", metavar="ID")
def done(settings: Settings, *, public_id: str, as_json: bool) -> None:
    """Put a conversation away; it opens again when they write."""
    with opened(settings), store.transaction() as session:
        business = organisation.only_one(session)
        found = thread.named(session, business, public_id)
        answering.done(session, found)
        audit_log.record(session, business.id, _ACTOR, "reply.done", public_id)
        said = _short(found)
    emit(said, as_json=as_json, lines=["Done."])
