"""The subscribers, page by page or one by one, each with what they are subscribed to.

An address never stands in a URL, where every log on the way would keep it:
asking for one is a POST.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, roll, subscriber
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound
from listkeeper.standards import address
from listkeeper.web.api import lock, paging
from listkeeper.web.api.paging import Page
from listkeeper.web.api.shape import Address, ListId, Moment, Shape, SubscriberId

blueprint = APIBlueprint("api_subscribers", __name__, url_prefix=lock.NOW, tag="Subscribers")


class Held(Shape):
    """One subscription: where it stands, and on what it rests."""

    list: ListId
    state: SubscriptionState
    basis: Basis
    since: Moment
    valid_until: Annotated[Moment | None, Field(description="When the permission runs out by itself.")]


class Person(Shape):
    """A subscriber."""

    id: SubscriberId
    address: str = Field(examples=["anna@shop.example"])
    language: str = Field(examples=["da"])
    restricted: bool = Field(description="Kept, but not written to, while a dispute lasts.")
    created_at: Moment
    subscriptions: list[Held]


class People(Shape):
    """One page of subscribers."""

    subscribers: list[Person]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class Question(Page):
    """Which subscribers, and which page of them."""

    list: Annotated[ListId | None, Field(description="Only people on this list.")] = None
    state: Annotated[
        SubscriptionState | None, Field(description="Only people with a subscription in this state (on that list).")
    ] = None


class Sought(Shape):
    """Whom to look for."""

    address: Address


@blueprint.get("/subscribers")
@lock.needs(Scope.READ)
@blueprint.input(Question, location="query")
@blueprint.output(People)
def show(query_data: Question) -> Response:
    """Show subscribers, oldest first.

    The next page is in the `Link` header and in `next`. Who joins while you
    read stands at the end; nobody is shown twice.
    """
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        on = mailing_list.named(session, owner, query_data.list) if query_data.list else None
        found = roll.page(
            session, owner, on=on, state=query_data.state, after=paging.after(query_data), limit=query_data.limit + 1
        )
        people, more = found[: query_data.limit], len(found) > query_data.limit
        following = paging.cursor(people[-1].id) if more else None
        held = roll.subscriptions(session, people)
        shown = People(subscribers=[_shown(person, held[person.id]) for person in people], next=following)
    answer = jsonify(shown.model_dump(mode="json"))
    answer.headers.update(paging.link(following) if following else {})
    return answer


@blueprint.get("/subscribers/<subscriber_id>")
@lock.needs(Scope.READ)
@blueprint.output(Person)
def show_one(subscriber_id: str) -> Person:
    """Show one subscriber."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        person = roll.identified(session, owner, subscriber_id)
        return _shown(person, roll.subscriptions(session, [person])[person.id])


@blueprint.post("/subscribers/lookup")
@lock.needs(Scope.READ)
@blueprint.input(Sought, arg_name="sought")
@blueprint.output(Person)
def look_up(sought: Sought) -> Person:
    """Find the subscriber with exactly this address.

    Changes nothing. It is a POST so that the address stands in no log of
    URLs.
    """
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        person = subscriber.with_address(session, owner.id, address.parse(sought.address).key)
        if person is None or person.erased_at is not None:
            raise NotFound("no_subscriber", language.text("There is no such subscriber."))
        return _shown(person, roll.subscriptions(session, [person])[person.id])


def _shown(person: Subscriber, held: Sequence[tuple[Subscription, MailingList]]) -> Person:
    return Person(
        id=person.public_id,
        address=person.email_send,
        language=person.language,
        restricted=person.restricted_at is not None,
        created_at=clock.as_text(person.created_at),
        subscriptions=[shown(subscription, each) for subscription, each in held],
    )


def shown(held: Subscription, on: MailingList) -> Held:
    """Return a subscription as programs see it."""
    return Held(
        list=on.public_id,
        state=held.state,
        basis=held.basis,
        since=clock.as_text(held.since),
        valid_until=clock.as_text(held.valid_until) if held.valid_until else None,
    )
