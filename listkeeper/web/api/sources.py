"""The sources: the places people come from, each with its short link and what it brought."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import current_app
from pydantic import Field

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import source
from listkeeper.audience.source import Channel, Source
from listkeeper.foundation import clock
from listkeeper.insight import brought
from listkeeper.insight.brought import Brought
from listkeeper.settings import Settings
from listkeeper.web.api import lock
from listkeeper.web.api.shape import FormId, ListId, Moment, Shape, SourceId

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


class Sources(Shape):
    """All sources."""

    sources: list[OneSource]


@blueprint.get("/sources")
@lock.needs(Scope.READ)
@blueprint.output(Sources)
def show() -> Sources:
    """Show the sources of all lists, those in use first, with their numbers."""
    settings: Settings = current_app.config["LISTKEEPER"]
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = source.every(session, owner)
        numbers = brought.by_source(session, found)
        return Sources(sources=[_shown(each, numbers[each.id], settings.site) for each in found])


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
