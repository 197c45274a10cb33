"""The first run: name the business, and get a list and a sign-up form for it."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, user
from listkeeper.accounts.organisation import DEFAULT_COLOUR, Organisation
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.signup_form import SignupForm
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.rendering import form_snapshot
from listkeeper.web.studio import business, member, page

blueprint = Blueprint("setup", __name__, url_prefix=page.ROOT)


@blueprint.get("/setup")
def show() -> Response | AnyResponse:
    """Ask who writes the letters; once that is known, go to the first screen."""
    with store.reading() as session:
        if organisation.maybe_one(session) is not None:
            return redirect(url_for("home.show"), 303)
        return _ask(session, {"language": language.current(), "brand_colour": DEFAULT_COLOUR})


@blueprint.post("/setup")
def found() -> Response | AnyResponse:
    """Store the business, its first list and its first form, all of it or nothing."""
    business.limit_body()
    spoken = language.known(request.form.get("language"))
    try:
        logo = business.uploaded_logo()
        with store.transaction() as session, language.using(spoken):
            form = _make_all(session, spoken, logo)
            public_id = form.public_id
    except (Invalid, Conflict) as problem:
        with store.reading() as session:
            return _ask(session, request.form.to_dict(), problem=problem, status=422)
    with language.using(spoken):
        said = language.text("Your list and its sign-up form are ready. Read what people will agree to, then open it.")
    return page.back_to("forms.show", said, public_id=public_id)


def _ask(
    session: Session, typed: dict[str, str], *, problem: Invalid | Conflict | None = None, status: int = 200
) -> Response:
    return page.answer(session, "setup", typed=typed, problem=problem, status=status)


def _make_all(session: Session, spoken: str, logo: str | None) -> SignupForm:
    typed = request.form
    owner = organisation.found(
        session,
        legal_name=typed.get("legal_name", ""),
        postal_address=typed.get("postal_address", ""),
        from_address=typed.get("from_address", ""),
        from_name=typed.get("from_name") or None,
        brand_colour=typed.get("brand_colour") or DEFAULT_COLOUR,
        website=typed.get("website"),
        spoken=spoken,
    )
    owner.logo = logo
    _join(session, owner, spoken)
    named = typed.get("list_name", "").strip() or language.text("Newsletter")
    made = mailing_list.create(session, owner, name=named)
    return signup_form.create(session, owner, made, show=form_snapshot.page_of)


def _join(session: Session, owner: Organisation, spoken: str) -> None:
    """Bind the user who founds the business to it; they go on in its language."""
    who = member.present()
    user.joins(who, owner.id, owner.from_address)
    who.language = spoken
    audit_log.record(session, owner.id, who.actor, "organisation.founded", owner.public_id)
