"""What somebody told about herself, on her own page: in the words she was asked in, to change and to take back."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, url_for
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile, profile_link, profile_question, profile_told
from listkeeper.audience.profile import How
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.profile_told import Told
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.public import choices, guest, page
from listkeeper.web.public.guest import Guest

blueprint = Blueprint("own_answers", __name__)
blueprint.before_request(page.limit_body)


@dataclass(frozen=True)
class Answered:
    """One answer of hers, and where it can be changed and taken back."""

    told: Told
    day: str
    change: str | None
    take_back: str


@blueprint.get("/mine/<visit>/answers")
def show(visit: str) -> Response:
    """Show every answer."""
    with store.reading() as session:
        found = guest.of(session, visit)
        return _page(session, found) if found else guest.nobody()


@blueprint.post("/mine/<visit>/answers/<question_id>")
def take_back(visit: str, question_id: str) -> Response:
    """Delete one answer."""
    with store.transaction() as session:
        found = guest.of(session, visit)
        if found is None:
            return guest.nobody()
        question = _question(session, found, question_id)
        return _page(session, found, done=profile.take_back(session, found.person.id, question.id))


def _question(session: Session, found: Guest, question_id: str) -> ProfileQuestion:
    owner = session.get_one(Organisation, found.person.organisation_id)
    try:
        return profile_question.identified(session, owner, question_id)
    except NotFound:
        raise guest.no_such_page() from None


def _page(session: Session, found: Guest, *, done: bool = False) -> Response:
    with language.using(found.spoken):
        told = profile_told.told_by(session, found.person, found.spoken)
        shown = [_answered(session, found, each) for each in told if not each.declined]
    return found.answer("own_answers", answers=shown, done=done)


def _answered(session: Session, found: Guest, told: Told) -> Answered:
    question = _question(session, found, told.question_id)
    asked = profile.may_answer(session, found.person, question)
    link = profile_link.token(found.person.id, question.id, How.OWN_PAGE)
    return Answered(
        told,
        choices.day_of(told.given_at),
        url_for("question_page.show", token=link) if asked else None,
        url_for("own_answers.take_back", visit=found.visit, question_id=told.question_id),
    )
