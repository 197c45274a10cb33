"""A user's own keys: password, passkeys, codes, and the end of all sessions."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_security.utils import logout_user
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log
from listkeeper.foundation import language
from listkeeper.web.studio import member, page

blueprint = Blueprint("security", __name__, url_prefix=page.ROOT)


@blueprint.get("/security")
def show() -> Response:
    """Show what opens the studio for this user."""
    with store.reading() as session:
        user = member.present()
        passkeys = sorted(user.webauthn, key=lambda each: each.id)
        return page.answer(
            session,
            "security",
            passkeys=passkeys,
            codes=user.tf_primary_method is not None,
            recovery_codes=len(user.mf_recovery_codes or []),
            has_password=user.password is not None,
        )


@blueprint.post("/security/sign-out-everywhere")
def sign_out_everywhere() -> AnyResponse:
    """End every session of this user, this one too."""
    with store.transaction() as session:
        user = member.present()
        member.end_sessions(user)
        audit_log.record(session, user.organisation_id, user.actor, "user.signed_out_everywhere", user.public_id)
    logout_user()
    return page.back_to("key.login", language.text("You are signed out everywhere."))
