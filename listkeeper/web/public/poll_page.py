"""An answer of a poll: the link of a letter opens this page with it chosen, and its button alone stores anything."""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.campaigns import preview
from listkeeper.feedback import poll
from listkeeper.feedback.poll import Poll
from listkeeper.sending import poll_link
from listkeeper.sending.poll_link import Named
from listkeeper.web.public import page, reader
from listkeeper.web.public.reader import Reader

blueprint = Blueprint("poll_page", __name__)
blueprint.before_request(page.limit_body)


@blueprint.get("/poll/<token>")
def show(token: str) -> Response:
    """Show the question with the answer of the link chosen, and the others to choose; opening it answers nothing."""
    with store.reading() as session:
        named, found = _of_token(session, token)
        if named is None or found.test or found.delivery is None:
            return reader.only_a_test(found)
        asked = poll.asked(session, found.delivery, named.block)
        if found.person is None or asked is None or named.choice not in asked.answers:
            return _over(found)
        before = poll.answered(session, found.delivery, named.block)
        return page.secret_answer(
            "poll",
            found.spoken,
            found.business,
            question=asked.question,
            answers=asked.answers,
            chosen=named.choice,
            before=asked.answers.get(before, "") if before is not None else "",
        )


@blueprint.post("/poll/<token>")
def answer(token: str) -> Response:
    """Store what was chosen: the answer of the link, or another one of the same question."""
    with store.transaction() as session:
        named, found = _of_token(session, token)
        if named is None or found.test or found.delivery is None:
            return reader.only_a_test(found)
        asked = poll.asked(session, found.delivery, named.block)
        choice = request.form.get("answer", named.choice, type=int)
        if asked is None or not poll.answer(session, found.delivery, named.block, choice):
            return _over(found)
        return _thanks(found, asked, choice)


def _of_token(session: Session, token: str) -> tuple[Named | None, Reader]:
    """Return what a token names and whose letter it is of; nothing is named by that of a preview.

    Raises NotFound when it was not made here.
    """
    if token == preview.SAMPLE_TOKEN:
        return None, reader.nobody(session)
    named = poll_link.read(token)
    return named, reader.of_delivery(session, named.delivery_id if named is not None else None)


def _thanks(found: Reader, asked: Poll, choice: int) -> Response:
    return page.secret_answer(
        "poll_done", found.spoken, found.business, question=asked.question, said=asked.answers[choice]
    )


def _over(found: Reader) -> Response:
    """Say that nothing was stored: she was forgotten, or it is not asked any more."""
    return page.secret_answer("question_over", found.spoken, found.business)
