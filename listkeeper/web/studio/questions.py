"""Ask more later: the questions of a list, in order, with what uses them and how people answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, profile_question, profile_told, profile_version
from listkeeper.audience.profile_question import ProfileQuestion, QuestionState, Use
from listkeeper.audience.profile_told import Counted
from listkeeper.audience.profile_words import Wording
from listkeeper.campaigns import question_use
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("questions", __name__, url_prefix=page.ROOT)


@dataclass(frozen=True)
class Row:
    """One question as the page lists it."""

    question: ProfileQuestion
    wording: Wording
    uses: list[Use]
    counted: Counted
    # Each choice with how often it was given; one that is offered no more stands at the end.
    answers: list[tuple[str, int]]

    @property
    def unused(self) -> bool:
        """Whether people are asked something that nothing uses."""
        return self.question.state is QuestionState.ASKED and not self.uses


@blueprint.get("/lists/<public_id>/questions")
def show(public_id: str) -> Response:
    """Show the questions of a list."""
    return _shown(public_id)


def _shown(public_id: str, *, problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        found = mailing_list.named(session, owner, public_id)
        return page.answer(
            session,
            "questions",
            mailing_list=found,
            rows=[row_of(session, owner, each) for each in profile_question.every(session, found)],
            most=profile_question.MOST,
            say_use=question_use.kind_in_words,
            problem=problem,
            status=status,
        )


def row_of(session: Session, owner: Organisation, question: ProfileQuestion) -> Row:
    """Return a question with everything that is known about it."""
    version, counted = profile_version.newest(session, question), profile_told.counts(session, question)
    names = version.names(owner.language)
    known = [(name, counted.by_choice.get(key, 0)) for key, name in names.items()]
    others = [(key, number) for key, number in sorted(counted.by_choice.items()) if key not in names]
    wording = version.wording(owner.language)[1]
    return Row(question, wording, question_use.of(session, question), counted, known + others)


_Act = Callable[[Session, Organisation, ProfileQuestion], str]


def _start(session: Session, owner: Organisation, question: ProfileQuestion) -> str:
    profile_question.start(session, owner, question, question_use.of(session, question))
    return language.text("From now on people are asked, each of them one question at a time.")


def _stop(session: Session, _owner: Organisation, question: ProfileQuestion) -> str:
    profile_question.stop(session, question)
    return language.text("Nobody is asked this any more. Answers stay for as long as your letters use them.")


def _up(session: Session, _owner: Organisation, question: ProfileQuestion) -> str:
    profile_question.move_up(session, question)
    return language.text("This question is asked earlier now.")


def _remove(session: Session, _owner: Organisation, question: ProfileQuestion) -> str:
    profile_question.remove(session, question)
    return language.text("The question is removed. Nobody had been asked.")


_ACTS: dict[str, tuple[str, _Act]] = {
    "start": ("question.started", _start),
    "stop": ("question.stopped", _stop),
    "up": ("question.moved", _up),
    "remove": ("question.removed", _remove),
}


@blueprint.post("/lists/<public_id>/questions/<question_id>")
def act(public_id: str, question_id: str) -> Response | AnyResponse:
    """Start or stop asking, ask it earlier, or remove what was never asked."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            question = profile_question.identified(session, owner, question_id)
            done, do = _chosen()
            said = do(session, owner, question)
            audit_log.record(session, owner.id, member.present().actor, done, question_id)
    except (Invalid, Conflict) as problem:
        return _shown(public_id, problem=problem, status=422)
    return page.back_to("questions.show", said, public_id=public_id)


def _chosen() -> tuple[str, _Act]:
    found = _ACTS.get(request.form.get("act", ""))
    if found is None:
        raise Invalid("no_act", language.text("Nothing was chosen, so nothing was changed."))
    return found
