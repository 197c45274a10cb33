"""Whom not to write to: adding to that list, and asking about one address. Taking off it is for the person alone."""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import lowering, mailing_list, suppression
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.suppression import Reason, Suppression
from listkeeper.foundation import clock
from listkeeper.standards import address
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import Address, ListId, Moment, Shape

blueprint = APIBlueprint("api_suppressions", __name__, url_prefix=lock.NOW, tag="Suppressions")

_LIST = "list:"


class Order(Shape):
    """Whom not to write to any more, and why."""

    address: Address
    reason: Annotated[
        Literal["manual", "complaint", "objection", "legal", "unsub"],
        Field(
            description="`unsub`: she asked to leave. `objection`: she objects to marketing. `complaint`: she called "
            "it spam. `legal`: a legal hold, which not even a new signup lifts. `manual`: our own decision.",
            examples=["objection"],
        ),
    ]
    list: Annotated[
        ListId | None, Field(description="Only this list (`unsub`, `manual`); all marketing when left out.")
    ] = None


class Ordered(Shape):
    """What holds from now on; the same whether we know the address or not."""

    scope: Literal["list", "marketing"]
    list: ListId | None
    reason: Reason


class Sought(Shape):
    """Which address to ask about."""

    address: Address


class Held(Shape):
    """One reason not to write."""

    scope: str = Field(
        description="`all`, `marketing`, `doi` (no confirmation mails), `list`, `purpose:…`.", examples=["list"]
    )
    list: Annotated[ListId | None, Field(description="Which list, when the scope is `list`.")]
    reason: Reason
    since: Moment
    until: Annotated[Moment | None, Field(description="null: for ever.")]


class Found(Shape):
    """Every live reason not to write to an address; none when the list is empty."""

    suppressions: list[Held]


@blueprint.post("/suppressions")
@lock.needs(Scope.LOWER)
@blueprint.input(Order, arg_name="order")
@blueprint.output(Ordered, status_code=201)
def add(order: Order) -> Response:
    """Keep an address from being written to.

    It holds at once, for known and unknown addresses alike, and outlives
    deletion and import. Only a new signup and confirmation by the person
    herself lifts it; no program and no operator does.
    """

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        on = mailing_list.named(session, owner, order.list) if order.list else None
        lowering.suppress(session, owner, order.address, reason=Reason(order.reason), on=on, actor=key.actor)
        answer = Ordered(
            scope="list" if on else "marketing", list=on.public_id if on else None, reason=Reason(order.reason)
        )
        return Done(answer, "suppression.added", on.public_id if on else owner.public_id, status=201)

    return change.made(act)


@blueprint.post("/suppressions/lookup")
@lock.needs(Scope.READ)
@blueprint.input(Sought, arg_name="sought")
@blueprint.output(Found)
def look_up(sought: Sought) -> Found:
    """Show why an address is not written to.

    Changes nothing. It is a POST so that the address stands in no log of
    URLs.
    """
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        key = suppression.key_of(owner.id, address.parse(sought.address).key)
        return Found(suppressions=[_shown(session, each) for each in suppression.reasons(session, owner.id, key)])


def _shown(session: Session, each: Suppression) -> Held:
    on = None
    if each.scope.startswith(_LIST):
        number = int(each.scope.removeprefix(_LIST))
        on = session.scalar(select(MailingList.public_id).where(MailingList.id == number))
    return Held(
        scope="list" if each.scope.startswith(_LIST) else each.scope,
        list=on,
        reason=each.reason,
        since=clock.as_text(each.created_at),
        until=clock.as_text(each.until) if each.until else None,
    )
