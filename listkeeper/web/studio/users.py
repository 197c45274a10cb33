"""People who work here: who may enter the studio and as what, who is invited, and who is shut out."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, dismissal, invitation, organisation, user
from listkeeper.accounts.user import Role
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid
from listkeeper.web.studio import member, page, words

blueprint = Blueprint("users", __name__, url_prefix=page.ROOT)


@blueprint.get("/settings/users")
def show() -> Response:
    """Show who works here, and the form that invites."""
    return _shown()


def _shown(problem: Invalid | Conflict | Forbidden | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        return page.answer(
            session,
            "users",
            status=status,
            people=user.everyone(session, owner.id),
            invitations=invitation.waiting(session, owner),
            roles=[(role.value, words.role(role)) for role in (Role.EDITOR, Role.OWNER)],
            say_role=words.role,
            say_operator=lambda actor: words.operator(session, actor),
            typed=request.form if problem else {},
            problem=problem,
        )


@blueprint.post("/settings/users")
def invite() -> Response | AnyResponse:
    """Mail somebody a link that lets them in."""
    who, wanted = member.present().actor, request.form.get("role", "")
    if wanted not in set(Role):
        return _shown(Invalid("role", language.text("Please choose what they may do.")), status=422)
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            made = invitation.invite(session, owner, request.form.get("address", ""), Role(wanted), actor=who)
            audit_log.record(session, owner.id, who, "user.invited", made.public_id)
    except (Invalid, Conflict, Forbidden) as problem:
        return _shown(problem, status=422)
    said = language.text("The invitation is on its way. Its link works once, for seven days.")
    return page.back_to("users.show", said)


@blueprint.post("/settings/users/<public_id>/withdraw")
def withdraw(public_id: str) -> AnyResponse:
    """Make an invitation worthless."""
    who = member.present().actor
    with store.transaction() as session:
        owner = organisation.only_one(session)
        invitation.withdraw(invitation.identified(session, owner, public_id))
        audit_log.record(session, owner.id, who, "invitation.withdrawn", public_id)
    return page.back_to("users.show", language.text("The invitation is withdrawn; its link opens nothing any more."))


@blueprint.post("/settings/users/<public_id>/remove")
def remove(public_id: str) -> Response | AnyResponse:
    """Shut somebody out, at once."""
    who = member.present().actor
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            gone = user.named(session, owner.id, public_id)
            dismissal.remove(session, gone)
            audit_log.record(session, owner.id, who, "user.removed", gone.public_id)
    except Conflict as problem:
        return _shown(problem, status=422)
    return page.back_to("users.show", language.text("Removed. Every session and key of theirs is closed."))
