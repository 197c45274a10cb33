"""The sources: the places people come from, each with its short link and what it brought; a program may add some."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, current_app
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import mailing_list, signup_form, source
from listkeeper.audience.source import Channel, Source
from listkeeper.foundation import clock
from listkeeper.insight import brought
from listkeeper.insight.brought import Brought
from listkeeper.settings import Settings
from listkeeper.web.api import change, lock
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import FormId, ListId, Moment, Shape, SourceId
from listkeeper.web.api.signups import Marks

blueprint = APIBlueprint("api_sources", __name__, url_prefix=lock.NOW, tag="Sources")


class OneSource(Shape):
    """A place that people come from. Everybody is counted to the one they came from first."""

    id: SourceId
    list: ListId
    form: FormId
    slug: str = Field(description="What `source` of a signup names.", examples=["ig-bio"])
    url: str = Field(description="The short link.", examples=["https://mail.cafe.example/s/ig-bio"])
    name: str = Field(examples=["Instagram bio"])
    channel: Channel
    created_at: Moment
    archived_at: Moment | None = Field(description="An archived link still leads to its form and still counts.")
    visits: int = Field(description="How often people followed the link; programs are left out.", examples=[120])
    asked: int = Field(description="Who was asked to confirm.", examples=[30])
    confirmed: int = Field(description="Who of them ever confirmed.", examples=[24])
    still_there: int = Field(description="Who of those is still confirmed.", examples=[22])
    left: int = Field(description="Who of those unsubscribed.", examples=[2])
    complained: int = Field(description="Who of those reported a letter as spam.", examples=[0])


class Place(Shape):
    """One more place, and the form that people who come from there see."""

    form: FormId
    name: Annotated[str, Field(max_length=200, description="What you call the place.", examples=["Instagram bio"])]
    channel: Channel = Channel.OTHER
    slug: Annotated[
        str,
        Field(
            max_length=80,
            description="The last part of the link: small letters, digits and hyphens. Made from the name when left "
            "out. It is on paper one day, so it stays.",
            examples=["ig-bio"],
        ),
    ] = ""
    utm: Annotated[Marks, Field(description="Marks that are stored with each signup by this link.")] = Marks()


class Sources(Shape):
    """All sources."""

    sources: list[OneSource]


@blueprint.post("/sources")
@lock.needs(Scope.LINKS)
@blueprint.input(Place, arg_name="place")
@blueprint.output(OneSource, status_code=201)
def add(place: Place) -> Response:
    """Make a link for one more place.

    Whoever follows it sees the form and is counted to the place. A slug that
    is taken is refused; without one, a free one is made from the name.
    """
    site = _site()

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        form = signup_form.identified(session, owner, place.form)
        # A list that was deleted has no name any more, and no form of it leads anywhere.
        mailing_list.named(session, owner, form.mailing_list.public_id)
        marks = {name: said for name, said in place.utm.model_dump().items() if said}
        made = source.create(session, form, name=place.name, channel=place.channel, slug=place.slug, utm=marks)
        answer = _shown(made, brought.by_source(session, [made])[made.id], site)
        return Done(answer, "source.created", made.public_id, status=201)

    return change.made(act)


@blueprint.get("/sources")
@lock.needs(Scope.READ)
@blueprint.output(Sources)
def show() -> Sources:
    """Show the sources of all lists, those in use first, with their numbers."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = source.every(session, owner)
        numbers = brought.by_source(session, found)
        return Sources(sources=[_shown(each, numbers[each.id], _site()) for each in found])


def _site() -> str:
    settings: Settings = current_app.config["LISTKEEPER"]
    return settings.site


def _shown(each: Source, numbers: Brought, site: str) -> OneSource:
    return OneSource(
        id=each.public_id,
        list=each.form.mailing_list.public_id,
        form=each.form.public_id,
        slug=each.slug,
        url=f"{site}/s/{each.slug}",
        name=each.name,
        channel=each.channel,
        created_at=clock.as_text(each.created_at),
        archived_at=clock.as_text(each.archived_at) if each.archived_at else None,
        visits=numbers.visits,
        asked=numbers.asked,
        confirmed=numbers.confirmed,
        still_there=numbers.here,
        left=numbers.left,
        complained=numbers.complained,
    )
