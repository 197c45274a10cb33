"""The mailing lists, with how many people are in which state."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, subscription
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.foundation import clock
from listkeeper.web.api import lock
from listkeeper.web.api.shape import ListId, Moment, Shape

blueprint = APIBlueprint("api_lists", __name__, url_prefix=lock.NOW, tag="Lists")


class OneList(Shape):
    """A mailing list."""

    id: ListId
    slug: str = Field(examples=["news"])
    name: str = Field(examples=["News"])
    purpose: str = Field(description="What people agree to.", examples=["newsletter"])
    state: ListState
    created_at: Moment
    people: Annotated[
        dict[SubscriptionState, int],
        Field(description="How many people are in which state.", examples=[{"confirmed": 41}]),
    ]


class Lists(Shape):
    """All mailing lists."""

    lists: list[OneList]


@blueprint.get("/lists")
@lock.needs(Scope.READ)
@blueprint.output(Lists)
def show() -> Lists:
    """Show the mailing lists, oldest first."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Lists(lists=[_shown(session, each) for each in mailing_list.all_of(session, owner)])


@blueprint.get("/lists/<list_id>")
@lock.needs(Scope.READ)
@blueprint.output(OneList)
def show_one(list_id: str) -> OneList:
    """Show one mailing list."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return _shown(session, mailing_list.named(session, owner, list_id))


def _shown(session: Session, each: MailingList) -> OneList:
    return OneList(
        id=each.public_id,
        slug=each.slug,
        name=each.name,
        purpose=each.purpose,
        state=each.state,
        created_at=clock.as_text(each.created_at),
        people=subscription.counts(session, each),
    )
