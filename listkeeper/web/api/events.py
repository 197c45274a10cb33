"""What the owner's shop or till tells of people: orders, visits, whatever it calls them; up to 1,000 at once.

A program that may not read people learns no more of them here than a stranger
at the form does: whether an address is known is not told to it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import posting
from listkeeper.audience.posting import Answer, Outcome, Told
from listkeeper.feedback import conversion_ref
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import Shape

blueprint = APIBlueprint("api_events", __name__, url_prefix=lock.NOW, tag="Events")

# A thousand events, each with all it may say.
_BODY_LIMIT = 1024 * 1024


class OneEvent(Shape):
    """One thing that a person did."""

    name: Annotated[
        str,
        Field(
            max_length=100,
            description="Small letters, digits, hyphens and underscores, at most 40. Money of `refund` was paid back.",
            examples=["order"],
        ),
    ]
    subscriber: Annotated[
        str,
        Field(
            max_length=1000,
            description="Whose: an address, or the id of a subscriber. Somebody unknown does not become known by it. "
            "May be left out where `ref` names the letter, and the person where that may be known.",
            examples=["anna@shop.example"],
        ),
    ] = ""
    id: Annotated[
        str,
        Field(
            max_length=200,
            description="What makes it the same event told twice, such as the number of the order. Without it the "
            "same person, name, moment and amount are the same event.",
            examples=["A-2026-1107"],
        ),
    ] = ""
    at: Annotated[
        str,
        Field(
            max_length=40,
            description="When: RFC 3339; without an offset by the clocks of the business; now when left out.",
            examples=["2026-11-23T09:15:00+01:00"],
        ),
    ] = ""
    amount: Annotated[
        int | None,
        Field(description="In the smallest coin of the currency, not negative.", examples=[24900], strict=True),
    ] = None
    currency: Annotated[str, Field(max_length=10, description="ISO 4217.", examples=["DKK"])] = ""
    ref: Annotated[
        str,
        Field(
            max_length=300,
            description="What the link of a letter carried as `lk`: the event is counted for that letter. One "
            "that cannot be read is passed over.",
            examples=["k3Jx0c"],
        ),
    ] = ""


class Events(Shape):
    """Events, in any order."""

    events: Annotated[tuple[OneEvent, ...], Field(min_length=1, max_length=posting.MOST_AT_ONCE)]


class Result(Shape):
    """What became of one event. Without the scope `read`, `received` stands for all but `invalid`."""

    outcome: Literal["stored", "known", "unknown", "conflict", "invalid", "received"]
    code: str = Field(description="Of what kept it from being stored; else empty.", examples=["no_subscriber"])
    message: str = Field(examples=["There is nobody with this address on your lists. Nothing was stored."])


class Results(Shape):
    """What became of each event, in the order in which they were sent."""

    results: list[Result]


@blueprint.post("/events")
@lock.needs(Scope.EVENTS)
@lock.takes(_BODY_LIMIT)
@blueprint.input(Events, arg_name="batch")
@blueprint.output(Results)
def post(batch: Events) -> Response:
    """Post what people did, up to 1,000 events at once.

    Each event has an outcome of its own, and one that is wrong keeps no other
    from being stored. Posted twice it is stored once; another event under the
    same name and id is a `conflict`, and the first one stays.
    """
    may_see = Scope.READ in lock.caller().opens
    told = [
        Told(each.name, each.subscriber, each.at, each.id, each.amount, each.currency, each.ref)
        for each in batch.events
    ]

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        zone = storefront.zone_of(session, owner)
        answers = posting.post(session, owner, told, zone=zone, read_refs=conversion_ref.read)
        return Done(Results(results=[_result(each, may_see=may_see) for each in answers]), "events.posted", "events")

    return change.made(act)


def _result(answer: Answer, *, may_see: bool) -> Result:
    if not may_see and answer.outcome is not Outcome.INVALID:
        return Result(outcome="received", code="", message="")
    return Result(outcome=answer.outcome.value, code=answer.code, message=answer.message)
