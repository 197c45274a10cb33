"""Which key this is, and what it may do: the first question of every integration."""

from __future__ import annotations

from apiflask import APIBlueprint

from listkeeper import store
from listkeeper.accounts import api_key
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation import clock
from listkeeper.web.api import lock
from listkeeper.web.api.shape import KeyId, Moment, OrganisationId, Shape

blueprint = APIBlueprint("api_me", __name__, url_prefix=lock.NOW, tag="Key")


class Business(Shape):
    """Whose lists these are."""

    id: OrganisationId
    name: str


class Me(Shape):
    """The key that asked."""

    id: KeyId
    name: str
    scopes: list[Scope]
    created_at: Moment
    organisation: Business


@blueprint.get("/me")
@lock.needs()
@blueprint.output(Me)
def show() -> Me:
    """Show which key this is and what it may do."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        key = api_key.identified(session, owner, lock.caller().public_id)
        return Me(
            id=key.public_id,
            name=key.name,
            scopes=[scope for scope in Scope if scope in key.opens],
            created_at=clock.as_text(key.created_at),
            organisation=Business(id=owner.public_id, name=owner.legal_name),
        )
