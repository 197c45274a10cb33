"""The page of a question: a tap in a letter opens it with that answer marked, and its button alone stores anything.

The same form stands on the page after confirming and among the choices; all of
them post here. The link names who is asked what, and ends by itself.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import profile, profile_link, profile_version
from listkeeper.audience.profile import RATHER_NOT, Asked
from listkeeper.audience.profile_link import Opened
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.web.ask import Ask
from listkeeper.web.public import asking, brand, page

blueprint = Blueprint("question_page", __name__)
blueprint.before_request(page.limit_body)

_NO_EFFECT = 404
_NOT_POSSIBLE = 422
# What came with the address or the form and is shown again.
_SHOWN_LIMIT = 200


@blueprint.get("/q/<token>")
def show(token: str) -> Response:
    """Show the question with the tapped answer marked; opening it answers nothing, for no scanner and no preview."""
    with store.reading() as session:
        found = profile_link.open_(session, token)
        if found is None or not profile.may_answer(session, found.person, found.question):
            return _over(session, found)
        asked = (found.question, profile_version.newest(session, found.question))
        tapped = request.args.get("a", "")[:_SHOWN_LIMIT]
        return _page(session, found, asking.behind(asked, token, found.person.language, marked=tapped))


@blueprint.post("/q/<token>")
def answer(token: str) -> Response:
    """Store the answer, or that she would rather not."""
    with store.transaction() as session:
        found = profile_link.open_(session, token)
        if found is None:
            return _over(session, found)
        asked, given = _words_shown(session, found), request.form.getlist("answer")
        with language.using(found.person.language):
            try:
                _store(session, found, asked, given)
            except Conflict:
                return _over(session, found)
            except Invalid as problem:
                said = " ".join(given)[:_SHOWN_LIMIT]
                shown = asking.behind(asked, token, found.person.language, said=said)
                return _page(session, found, shown, wrong=problem.message)
        business = brand.business_of(_owner(session, found))
        return page.secret_answer("question_done", found.person.language, business, declined=RATHER_NOT in given)


def _words_shown(session: Session, found: Opened) -> Asked:
    """Return the question in the words the form was shown in, which the answer is given to."""
    number = request.form.get("version", 0, type=int)
    return found.question, profile_version.asked_version(session, found.question, number)


def _store(session: Session, found: Opened, asked: Asked, given: list[str]) -> None:
    if RATHER_NOT in given:
        profile.decline(session, found.person.id, asked, found.how)
    else:
        profile.give(session, found.person.id, asked, given, found.how)


def _page(session: Session, found: Opened, shown: Ask, *, wrong: str = "") -> Response:
    return page.secret_answer(
        "question",
        found.person.language,
        brand.business_of(_owner(session, found)),
        status=_NOT_POSSIBLE if wrong else 200,
        ask=shown,
        wrong=wrong,
    )


def _owner(session: Session, found: Opened) -> Organisation:
    return session.get_one(Organisation, found.person.organisation_id)


def _over(session: Session, found: Opened | None) -> Response:
    """Return the page of a link that is too old or not whole, and of a question that is not asked any more."""
    business = brand.business_of(_owner(session, found)) if found else None
    spoken = found.person.language if found else page.visitors_language()
    return page.secret_answer("question_over", spoken, business, status=_NO_EFFECT)
