"""An invitation: opening its link changes nothing, its button makes the user and signs them in."""

from __future__ import annotations

from flask import Blueprint, Response, flash
from flask_security.utils import login_user
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, invitation
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import Role
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Forbidden
from listkeeper.web.studio import page
from listkeeper.web.studio.member import Member

blueprint = Blueprint("joining", __name__, url_prefix=page.ROOT)


@blueprint.get("/join/<token>")
def show(token: str) -> Response:
    """Show who invites and to what, or say that the link is spent."""
    return _shown(token)


def _shown(token: str, problem: Forbidden | Conflict | None = None) -> Response:
    with store.reading() as session:
        asked = invitation.find(session, token)
        business = session.get_one(Organisation, asked.organisation_id).legal_name if asked else ""
        return page.answer(
            session,
            "join",
            live=asked is not None and problem is None,
            as_owner=asked is not None and asked.role is Role.OWNER,
            business=business,
            token=token,
            problem=problem,
            status=200 if asked is not None and problem is None else 403,
        )


@blueprint.post("/join/<token>")
def join(token: str) -> Response | AnyResponse:
    """Use the invitation up, make the user, and sign them in."""
    try:
        with store.transaction() as session:
            made = invitation.accept(session, token)
            audit_log.record(session, made.organisation_id, made.actor, "user.joined", made.public_id)
            number = made.id
            # The library needs its own view of the row, so the plain one leaves the session first.
            session.flush()
            session.expunge_all()
            login_user(session.get_one(Member, number), authn_via=["link"])
    except (Forbidden, Conflict) as problem:
        return _shown(token, problem)
    flash(language.text("You are in. To come back, add a passkey or a password now: this link works no more."), "good")
    return page.back_to("security.show")
