"""The one-time link: opening it changes nothing, its button signs in."""

from __future__ import annotations

from flask import Blueprint, Response, flash
from flask_security.utils import login_user
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import sign_in_link
from listkeeper.foundation import language
from listkeeper.foundation.errors import Forbidden
from listkeeper.web.studio import page
from listkeeper.web.studio.member import Member

blueprint = Blueprint("entrance", __name__, url_prefix=page.ROOT)


@blueprint.get("/enter/<token>")
def show(token: str) -> Response:
    """Show the button, or say that the link is spent."""
    with store.reading() as session:
        live = sign_in_link.find(session, token) is not None
        return page.answer(session, "enter", live=live, token=token, status=200 if live else 403)


@blueprint.post("/enter/<token>")
def enter(token: str) -> Response | AnyResponse:
    """Use the link up and sign its user in."""
    try:
        with store.transaction() as session:
            number = sign_in_link.use(session, token).id
            # The library needs its own view of the row, so the plain one leaves the session first.
            session.flush()
            session.expunge_all()
            login_user(session.get_one(Member, number), authn_via=["link"])
    except Forbidden as problem:
        with store.reading() as session:
            return page.answer(session, "enter", live=False, token=token, problem=problem, status=403)
    flash(language.text("You are signed in. To come back without a link, add a passkey or a password."), "good")
    return page.back_to("home.show")
