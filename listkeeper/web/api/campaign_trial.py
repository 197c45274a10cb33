"""Trials of two versions as programs order and see them, and the choice of what the others get."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.trial import Arm, Measure, Order, Rule, TrialState, Words
from listkeeper.feedback import trial_figures
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import NotFound
from listkeeper.sending.trying import trial, trial_words
from listkeeper.web.api import campaigns as shown
from listkeeper.web.api import change, lock
from listkeeper.web.api.campaigns import OneCampaign
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import CampaignId, Digest, Moment, Shape

blueprint = APIBlueprint("api_campaign_trial", __name__, url_prefix=lock.NOW, tag="Campaigns")


class TwoVersions(Shape):
    """A trial: version A is the campaign, version B has another subject, or is another draft to the same list."""

    subject: str = Field(default="", max_length=500, description="Of version B.", examples=["Buns, still warm"])
    preheader: str = Field(default="", max_length=500, description="Of version B; empty: that of A.")
    letter: CampaignId | None = Field(default=None, description="The draft that is version B, in place of a subject.")
    sha256: Digest | None = Field(
        default=None, description="Of version B as it was seen; other words are refused with `changed_since_preview`."
    )
    measure: Measure = Field(default=Measure.CLICKS, description="Whose clicks are not counted cannot be measured.")
    rule: Rule = Field(default=Rule.WINNER, description="What the others get; `winner` is A where there is none.")
    wait_minutes: Annotated[
        int,
        Field(
            ge=1, le=10_080, description="The result is looked at once, so long after most have left.", examples=[240]
        ),
    ] = 240
    each: Annotated[int | None, Field(ge=10, description="How many get each; null: as many as it takes.")] = None
    expected: Annotated[float | None, Field(ge=0, lt=100, description="How many act, in per cent.")] = None
    difference: Annotated[float, Field(gt=0, le=100, description="The least worth knowing, in points.")] = 2


class Came(Shape):
    """What came of one version."""

    mails: int = Field(description="Of how many it is known.", examples=[103])
    acted: int = Field(description="How many of their readers clicked or replied.", examples=[31])


class Tried(Shape):
    """A trial of two versions, and how it stands."""

    state: TrialState
    measure: Measure
    rule: Rule
    each: int = Field(description="How many got each version; 0 before it begins.", examples=[103])
    wait_minutes: int = Field(description="How long after most of both versions have left.", examples=[240])
    results_at: Moment | None = Field(description="When the result is looked at; null until most have left.")
    a: Came | None = Field(description="As they were at the one look; before it as they are now.")
    b: Came | None
    winner: Arm | None = Field(description="Only when the numbers prove one.")
    chosen: Arm | None = Field(description="What the others get.")
    words: list[str] = Field(description="The same in sentences.", examples=[["No difference found."]])


class Chosen(Shape):
    """Which version the others get."""

    version: Arm


def order_of(wanted: TwoVersions | None) -> Order | None:
    """Return the trial that was asked for. Raises Invalid for one that can tell nothing."""
    if wanted is None:
        return None
    plan = trials.plan(
        measure=wanted.measure,
        rule=wanted.rule,
        wait=timedelta(minutes=wanted.wait_minutes),
        expected=round(wanted.expected * 10) if wanted.expected is not None else None,
        difference=round(wanted.difference * 10),
        each=wanted.each,
    )
    return Order(plan, Words(wanted.subject, wanted.preheader, wanted.letter or ""), wanted.sha256)


def told(session: Session, campaign: Campaign) -> Tried | None:
    """Return the trial of a campaign as programs read it; None without one."""
    found = trials.of(campaign)
    if found is None:
        return None
    figures = trial_figures.of_arms(session, campaign)
    counted = {Arm.A: found.a or figures.get(Arm.A), Arm.B: found.b or figures.get(Arm.B)}
    a, b = (Came(mails=each.mails, acted=each.acted) if each is not None else None for each in counted.values())
    return Tried(
        state=found.state,
        measure=found.measure,
        rule=found.rule,
        each=found.each,
        wait_minutes=found.wait_minutes,
        results_at=clock.as_text(found.results_at) if found.results_at else None,
        a=a,
        b=b,
        winner=found.winner,
        chosen=found.chosen,
        words=trial_words.lines(found, figures),
    )


@blueprint.get("/campaigns/<campaign_id>/trial")
@lock.needs(Scope.READ)
@blueprint.output(Tried)
def show(campaign_id: str) -> Tried:
    """Show the trial of a campaign, its numbers, and what they prove; 404 for a campaign without one."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        tried = told(session, campaigns.identified(session, owner, campaign_id))
    if tried is None:
        raise NotFound("no_trial", language.text("This letter has no trial."))
    return tried


@blueprint.post("/campaigns/<campaign_id>/choice")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Chosen, arg_name="wanted")
@blueprint.output(OneCampaign)
def choose(campaign_id: str, wanted: Chosen) -> Response:
    """Let the others have version A or B, whatever came back so far."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = campaigns.identified(session, owner, campaign_id)
        trial.choose(session, found, wanted.version)
        return Done(shown.told(session, found), "campaign.trial_chosen", found.public_id)

    return change.made(act)
