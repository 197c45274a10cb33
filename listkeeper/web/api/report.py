"""What came of a campaign, as programs read it."""

from __future__ import annotations

from typing import Annotated

from apiflask import APIBlueprint
from pydantic import Field

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.leaving_reason import Why
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.assumption import Measure, Verdict
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.insight import campaign_report, report_plain
from listkeeper.insight.next_step import Step
from listkeeper.web.api import lock
from listkeeper.web.api.shape import CampaignId, Moment, Shape

blueprint = APIBlueprint("api_report", __name__, url_prefix=lock.NOW, tag="Campaigns")

Part = Annotated[float | None, Field(description="A part of one; null when not known.", examples=[0.041])]


class Some(Shape):
    """Some of some readers."""

    readers: int = Field(examples=[41])
    of: int = Field(description="For clicks: those whose clicks are counted.", examples=[1000])
    share: Part
    usual: Annotated[
        float | None, Field(description="The middle of the letters to this list before it.", examples=[0.03])
    ]


class Visits(Shape):
    """Visits by what made them; machines and what nobody can tell are in no other number."""

    human: int = Field(examples=[52])
    machine: int = Field(examples=[340])
    unknown: int = Field(examples=[7])


class Belief(Shape):
    """What was believed before it left, and what came of it."""

    measure: Measure
    believed: float = Field(description="A part of one.", examples=[0.03])
    words: str = Field(examples=["The buns are new."])
    readers: int = Field(examples=[41])
    of: int = Field(description="For clicks and orders: those whose clicks are counted.", examples=[1000])
    share: Part
    low: Part
    high: Annotated[
        float | None, Field(description="`low` to `high` is what chance leaves open (95 %).", examples=[0.055])
    ]
    verdict: Verdict


class Opens(Visits):
    """How often the picture of a letter was fetched, and of how many readers' letters that is known."""

    counted: int = Field(description="Who lets that be counted, with or without a name.", examples=[250])


class Link(Visits):
    """The visits of one link, under its number on the map."""

    number: int = Field(examples=[1])
    url: str = Field(examples=["https://cafe.example/bread"])


class AtOneProvider(Shape):
    """What became of it at one mailbox provider."""

    provider: str = Field(description="`other`: all small ones; `unknown`: not looked up.", examples=["gmail"])
    accepted: int = Field(examples=[400])
    deferred: int = Field(examples=[0])
    bounced: int = Field(examples=[2])
    left: int = Field(examples=[1])
    complained: int = Field(examples=[0])
    counted: int = Field(description="Whose clicks are counted.", examples=[300])
    clickers: int = Field(examples=[12])


class Event(Shape):
    """What the shop says came of it, under one name and currency."""

    name: str = Field(examples=["order"])
    currency: str | None = Field(examples=["DKK"])
    number: int = Field(examples=[12])
    amount: int = Field(description="In the smallest coin.", examples=[298800])


class Following(Shape):
    """What to do next."""

    step: Step
    why: str = Field(examples=["3 readers wrote back and wait for you."])


class Report(Shape):
    """What came of a campaign."""

    id: CampaignId
    state: CampaignState
    final: bool = Field(description="False while it is still going out.")
    counted_at: Moment
    recipients: int = Field(examples=[1010])
    accepted: int = Field(description="Taken, and not sent back.", examples=[1000])
    deferred: int = Field(examples=[0])
    bounced: int = Field(examples=[8])
    clicked: Some
    replied: Some
    left: Some
    complained: int = Field(description="Among those who left.", examples=[1])
    compared_with: int = Field(description="How many letters before it were looked at.", examples=[5])
    clicks: Visits
    opens: Annotated[Opens, Field(description="Roughly; many programs fetch pictures by themselves, or never.")]
    assumption: Belief | None
    links: list[Link]
    providers: list[AtOneProvider]
    events: list[Event]
    income: dict[str, int] = Field(
        description="By currency, in the smallest coin; what was paid back is taken off.", examples=[{"DKK": 298800}]
    )
    reasons: Annotated[
        dict[Why, int],
        Field(description="Given for leaving its list since; none names a letter.", examples=[{"too_many": 2}]),
    ]
    waiting: int = Field(description="Who wrote back and waits for an answer.", examples=[3])
    next: Following


@blueprint.get("/campaigns/<campaign_id>/report")
@lock.needs(Scope.READ)
@blueprint.output(Report)
def show(campaign_id: str) -> Report:
    """Show what came of a campaign."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = campaigns.identified(session, owner, campaign_id)
        return Report.model_validate(report_plain.of(found, campaign_report.of(session, found)))
