"""One question: its words in each language of the list, and how it looks on a phone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, profile_question, profile_version, profile_words
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.web import ask, headers
from listkeeper.web.studio import member, page

blueprint = Blueprint("question", __name__, url_prefix=page.ROOT)


@blueprint.get("/lists/<public_id>/question")
def begin(public_id: str) -> Response:
    """Show an empty question to write."""
    return _new(public_id, {})


@blueprint.post("/lists/<public_id>/question")
def create(public_id: str) -> Response | AnyResponse:
    """Store a new question; nobody is asked yet."""
    typed = _typed()
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = mailing_list.named(session, owner, public_id)
            name = request.form.get("name", "")
            made = profile_question.create(session, owner, found, name, kind=_kind(), words=typed)
            audit_log.record(session, owner.id, member.present().actor, "question.created", made.public_id)
            question_id = made.public_id
    except (Invalid, Conflict) as problem:
        return _new(public_id, typed, problem=problem, status=422)
    said = language.text("The question is stored. Nobody is asked before you press start.")
    return page.back_to("question.show", said, question_id=question_id)


def _new(
    public_id: str, typed: dict[str, Wording], *, problem: Invalid | Conflict | None = None, status: int = 200
) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        return page.answer(
            session,
            "question",
            question=None,
            mailing_list=found,
            name=request.form.get("name", ""),
            kind=request.form.get("kind", QuestionKind.CHOICE.value),
            **_fields(session, owner, found, typed),
            problem=problem,
            status=status,
        )


def _fields(session: Session, owner: Organisation, about: MailingList, words: dict[str, Wording]) -> dict[str, Any]:
    needed = profile_question.languages_of(session, owner, about)
    return {
        "kinds": [(each.value, profile_words.in_words(each)) for each in QuestionKind],
        "wordings": [
            (code, profile_words.name_of(code), words.get(code, Wording("")))
            for code in dict.fromkeys((*needed, *words))
        ],
        "limits": {
            "question": profile_words.QUESTION_LIMIT,
            "reason": profile_words.REASON_LIMIT,
            "most": profile_words.MOST,
        },
    }


def _kind() -> QuestionKind:
    wanted = request.form.get("kind", "")
    if wanted not in set(QuestionKind):
        raise Invalid("question_kind", language.text("Please say how the question is answered."))
    return QuestionKind(wanted)


def _typed() -> dict[str, Wording]:
    """Return what was typed in each language; answers in a language stand one a line."""
    return {
        code: Wording(
            request.form.get(f"question-{code}", ""),
            request.form.get(f"why-{code}", ""),
            request.form.get(f"benefit-{code}", ""),
            tuple(filter(None, map(str.strip, request.form.get(f"choices-{code}", "").splitlines()))),
        )
        for code in language.LANGUAGES
        if f"question-{code}" in request.form
    }


@blueprint.get("/questions/<question_id>")
def show(question_id: str) -> Response:
    """Show a question with its words and its look."""
    return _shown(question_id)


@blueprint.post("/questions/<question_id>")
def save(question_id: str) -> Response | AnyResponse:
    """Store other words; while people are asked, they are the next version at once."""
    typed = _typed()
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            found = profile_question.identified(session, owner, question_id)
            kept = profile_question.reword(session, owner, found, typed)
            audit_log.record(session, owner.id, member.present().actor, "question.reworded", question_id)
            number = kept.number
    except (Invalid, Conflict) as problem:
        return _shown(question_id, typed=typed, problem=problem, status=422)
    said = language.text("Saved as version %(number)s.", number=number)
    return page.back_to("question.show", said, question_id=question_id)


def _shown(
    question_id: str,
    *,
    typed: dict[str, Wording] | None = None,
    problem: Invalid | Conflict | None = None,
    status: int = 200,
) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = profile_question.identified(session, owner, question_id)
        about = session.get_one(MailingList, found.list_id)
        version = profile_version.newest(session, found)
        words = typed if typed is not None else profile_version.worded(version, owner)
        return headers.framing(
            page.answer(
                session,
                "question",
                question=found,
                version=version,
                mailing_list=about,
                name=found.key,
                kind=found.kind.value,
                **_fields(session, owner, about, words),
                problem=problem,
                status=status,
            )
        )


@blueprint.get("/questions/<question_id>/preview")
def see(question_id: str) -> Response:
    """Serve the page people see, alone; its buttons do nothing here."""
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = profile_question.identified(session, owner, question_id)
        wanted = request.args.get("spoken", owner.language)
        shown = ask.of((found, profile_version.newest(session, found)), "#", wanted)
        with language.using(shown.language):
            body = render_template(
                "studio/question_preview.html", spoken=shown.language, direction=shown.direction, ask=shown
            )
        return headers.looked_at(make_response(body))
