"""The seed list: mailboxes of one's own at several providers, for a test that shows a letter in each of them."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from listkeeper import store
from listkeeper.accounts import audit_log, organisation, seed_address
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.web.studio import member, page

blueprint = Blueprint("seeds", __name__, url_prefix=f"{page.ROOT}/settings/seeds")


@blueprint.get("")
def show() -> Response:
    """Show the list, and the form that adds to it."""
    return _shown()


def _shown(problem: Invalid | Conflict | None = None, status: int = 200) -> Response:
    with store.reading() as session:
        owner = organisation.only_one(session)
        return page.answer(
            session,
            "seeds",
            status=status,
            seeds=seed_address.every(session, owner),
            most=seed_address.MOST,
            per_hour=page.settings().tests_per_hour,
            typed=request.form if problem else {},
            problem=problem,
        )


@blueprint.post("")
def add() -> Response | AnyResponse:
    """Put an address on the list."""
    try:
        with store.transaction() as session:
            owner = organisation.only_one(session)
            seed_address.add(session, owner, request.form.get("address", ""), request.form.get("label", ""))
            audit_log.record(session, owner.id, member.present().actor, "seed.added", owner.public_id)
    except (Invalid, Conflict) as problem:
        return _shown(problem, status=422)
    return page.back_to("seeds.show", language.text("Added. The next test to the seed list goes there too."))


@blueprint.post("/<int:number>/remove")
def remove(number: int) -> AnyResponse:
    """Take an address off the list."""
    with store.transaction() as session:
        owner = organisation.only_one(session)
        seed_address.remove(session, owner, number)
        audit_log.record(session, owner.id, member.present().actor, "seed.removed", owner.public_id)
    return page.back_to("seeds.show", language.text("Removed. No test goes there any more."))
