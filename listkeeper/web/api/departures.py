"""Taking one person off a list, and holding everything back while a dispute lasts. Both only lower."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import lowering, mailing_list, roll, subscription
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import NotFound
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import ListId, Nothing, Shape, SubscriberId

blueprint = APIBlueprint("api_departures", __name__, url_prefix=lock.NOW, tag="Subscribers")


class Departure(Shape):
    """Which list to leave."""

    list: ListId


class Departed(Shape):
    """Where the subscription stands now."""

    subscriber: SubscriberId
    list: ListId
    state: Annotated[SubscriptionState, Field(description="What it is after this request.", examples=["unsubscribed"])]


class Restricted(Shape):
    """That this person is held back now."""

    subscriber: SubscriberId
    restricted: bool


@blueprint.post("/subscribers/<subscriber_id>/unsubscriptions")
@lock.needs(Scope.LOWER)
@blueprint.input(Departure, arg_name="departure")
@blueprint.output(Departed)
def leave(subscriber_id: str, departure: Departure) -> Response:
    """Take a subscriber off a list, at once.

    Only the person herself can come back. Asking again changes nothing.
    """

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        person = roll.identified(session, owner, subscriber_id)
        each = mailing_list.named(session, owner, departure.list)
        lowering.take_off(session, person, each, actor=key.actor)
        held = subscription.of(session, person.id, each.id)
        if held is None:
            raise NotFound("no_subscription", language.text("This person is not on this list. Nothing was changed."))
        answer = Departed(subscriber=person.public_id, list=each.public_id, state=held.state)
        return Done(answer, "subscription.left", person.public_id)

    return change.made(act)


@blueprint.post("/subscribers/<subscriber_id>/restriction")
@lock.needs(Scope.LOWER)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(Restricted)
def restrict(subscriber_id: str, nothing: Nothing) -> Response:
    """Hold everything back while a dispute lasts.

    Nothing is deleted and nothing is sent. Lifting it takes a person in the
    studio. The body is an empty object.
    """
    del nothing

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        person = roll.identified(session, owner, subscriber_id)
        lowering.hold_back(session, person, actor=key.actor)
        return Done(Restricted(subscriber=person.public_id, restricted=True), "subscriber.restricted", person.public_id)

    return change.made(act)
