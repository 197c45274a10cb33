"""Keys for programs: made here, shown once, revoked at once."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import api_key, audit_log, organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("api_keys", __name__, url_prefix=page.ROOT)


@blueprint.get("/keys")
def show() -> Response:
    """Show the keys, and the form that makes one."""
    return _shown()


@blueprint.post("/keys")
def create() -> Response:
    """Make a key and show its secret on this one page: a redirect would have to carry it."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            scopes = [scope for scope in Scope if scope.value in request.form.getlist("scope")]
            made, secret = api_key.make(session, owner, name=request.form.get("name", ""), scopes=scopes)
            audit_log.record(session, owner.id, member.present().actor, "api_key.created", made.public_id)
    except Invalid as problem:
        return _shown(problem=problem, status=422)
    return _shown(secret=secret)


@blueprint.post("/keys/<public_id>/revoke")
def revoke(public_id: str) -> AnyResponse:
    """Make a key worthless."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        key = api_key.identified(session, owner, public_id)
        if api_key.revoke(key):
            audit_log.record(session, owner.id, member.present().actor, "api_key.revoked", key.public_id)
    return page.back_to("api_keys.show", language.text("The key is revoked. Programs that use it are shut out now."))


def _shown(*, secret: str | None = None, problem: Invalid | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        return page.answer(
            session,
            "api_keys",
            status=status,
            keys=api_key.all_of(session, organisation.only_one(session)),
            kinds=_kinds(),
            secret=secret,
            problem=problem,
            typed=request.form if problem else {},
            address=f"{page.settings().site}/openapi.json",
        )


def _kinds() -> dict[str, str]:
    """Return what each scope lets a program do, in words."""
    return {
        Scope.READ.value: language.text("Read lists, forms, people and their consent"),
        Scope.SUBSCRIBE.value: language.text("Ask people to subscribe; they still confirm by themselves"),
        Scope.LOWER.value: language.text("Take permission away: unsubscribe, suppress, hold back"),
        Scope.EXPORT.value: language.text("Take everything out, addresses included"),
        Scope.LINKS.value: language.text("Make links for the places where people meet a form"),
        Scope.CAMPAIGNS.value: language.text("Send letters that are written here, pause and stop them"),
        Scope.METRICS.value: language.text("Watch how mail goes out: figures for Prometheus, and nothing of anybody"),
        Scope.EVENTS.value: language.text("Tell what people did in your shop, such as orders"),
    }
