"""Asking a person to subscribe: the form's own way, the form's own brakes, one answer for everybody.

A program cannot confirm anybody. What it can do is what a stranger at the form
can do: name an address, and the person decides by a mail of her own.
"""

from __future__ import annotations

from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import signup, signup_form
from listkeeper.audience.forms import form_offer
from listkeeper.audience.signup import Visit
from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import Invalid
from listkeeper.sending import relay_offer
from listkeeper.web import network
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import Address, FormId, ListId, Shape

blueprint = APIBlueprint("api_signups", __name__, url_prefix=lock.NOW, tag="Signups")

Mark = Annotated[str | None, Field(max_length=300, examples=["instagram"])]


class Marks(Shape):
    """Where the person came from, in the words of the address she followed."""

    utm_source: Mark = None
    utm_medium: Mark = None
    utm_campaign: Mark = None
    utm_content: Mark = None
    utm_term: Mark = None


class Wish(Shape):
    """Whom to ask, by which form."""

    form: FormId
    address: Address
    visitor: Annotated[
        str | None,
        Field(
            max_length=60,
            examples=["203.0.113.7"],
            description="Her IP address, when your server speaks for her browser: the brakes then count her network, "
            "and not your server's.",
        ),
    ] = None
    source: Annotated[str | None, Field(max_length=80, description="A short name of the place.", examples=["till"])] = (
        None
    )
    utm: Marks = Marks()
    lists: Annotated[
        tuple[ListId, ...],
        Field(max_length=20, description="The lists whose boxes she ticked, where the form has `purposes`."),
    ] = ()
    second_consent: Annotated[
        bool, Field(description="That she ticked the box of the form's `second_text`, where it has one.")
    ] = False
    age_stated: Annotated[
        bool, Field(description="That she ticked the box about her age, where the form has a `least_age`.")
    ] = False


class Received(Shape):
    """The answer to every wish alike, whoever the address belongs to."""

    status: Literal["received"] = "received"


@blueprint.post("/signups")
@lock.needs(Scope.SUBSCRIBE)
@blueprint.input(Wish, arg_name="wish")
@blueprint.output(Received, status_code=202)
def receive(wish: Wish) -> Response:
    """Ask a person to subscribe.

    She gets one mail with the whole text and a button, unless a brake or her
    own wish keeps it back; only her own act confirms. The answer is the same
    for every address. The brakes of the form hold here too; the network they
    count is the `visitor`'s, or else the one this request comes from.
    """

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        form = signup_form.identified(session, owner, wish.form)
        shown = signup_form.shown(session, form.slug)
        wide = relay_offer.carries(session, parts.relay_names(), wish.address)
        signup.receive(session, shown, wish.address, _visit(wish, key), parts.limits(), carries_smtputf8=wide)
        return Done(Received(), "signup.received", form.public_id, status=202)

    return change.made(act)


def _network(wish: Wish) -> str | None:
    if wish.visitor is None:
        return network.of(request)
    found = network.named(wish.visitor)
    if found is None:
        raise Invalid("visitor", language.text("“%(text)s” is no IP address.", text=wish.visitor))
    return found


def _visit(wish: Wish, key: ApiKey) -> Visit:
    name = change.name_given()
    return Visit(
        network=_network(wish),
        browser=request.headers.get("User-Agent"),
        # What stands in the evidence: not a page that was seen, but the program that said so.
        origin=key.actor,
        source=wish.source,
        utm={mark: said for mark, said in wish.utm.model_dump().items() if said},
        idempotency_key=signing.digest(f"{key.public_id}:{name}:{wish.address}") if name else None,
        ticked=frozenset(form_offer.box_of(each) for each in wish.lists),
        second_consent=wish.second_consent,
        age_stated=wish.age_stated,
        actor=key.actor,
    )
