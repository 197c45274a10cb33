"""The letters as programs see them: which there are, how far each is, what happens now, and what is in doubt."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from apiflask import APIBlueprint
from flask import current_app
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import storefront
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import RefusalCode
from listkeeper.campaigns import archive, stance
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation import clock
from listkeeper.sending import halt, outlook, pilot, progress, settling
from listkeeper.sending.pilot import PilotState
from listkeeper.sending.settling import Doubt
from listkeeper.settings import Settings
from listkeeper.web.api import lock
from listkeeper.web.api.shape import Address, CampaignId, ListId, Moment, Shape

blueprint = APIBlueprint("api_campaigns", __name__, url_prefix=lock.NOW, tag="Campaigns")

# As many as are looked through at once; the next ones come when these are settled.
_DOUBTS = 200


class Brief(Shape):
    """A campaign in a few words."""

    id: CampaignId
    list: ListId
    subject: str = Field(description="Of its newest words.", examples=["Cardamom buns"])
    state: CampaignState
    recipients: int = Field(description="How many it goes to; as of now while it waits to leave.", examples=[655])
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class Campaigns(Shape):
    """All campaigns, newest first."""

    campaigns: list[Brief]


class PutOff(Shape):
    """One receiver that said "not now"."""

    receiver: str = Field(description="By the name people know; empty when nobody knows whose.", examples=["Gmail"])
    number: int = Field(examples=[120])


class Result(Shape):
    """What came of one part of what was expected of a test."""

    code: str = Field(description="`clicks` or `bounces`.", examples=["bounces"])
    expected: int = Field(description="In thousandths.", examples=[10])
    measured: int | None = Field(description="In thousandths; null when nobody counts it.", examples=[4])


class Test(Shape):
    """A few who get a letter first, while the others wait."""

    state: PilotState
    size: int = Field(description="How many get it first.", examples=[50])
    results_at: Moment | None = Field(description="Until when the others wait at least.")
    results: list[Result]


class OneCampaign(Brief):
    """A campaign, and how far it is."""

    now: str = Field(description="What happens now, in one sentence.", examples=["It is going out."])
    leaves_at: Moment | None = Field(description="When one that was ordered begins.")
    late: bool = Field(description="Its time passed while nothing was at work here; it asks before it leaves.")
    each_zone: bool = Field(description="It leaves at that hour by each reader's own clock.")
    sent: int = Field(examples=[600])
    waiting: int = Field(examples=[40])
    deferred: int = Field(description="Put off by their servers, and tried again.", examples=[10])
    deferred_by: list[PutOff]
    failed: int = Field(examples=[3])
    skipped: int = Field(examples=[2])
    skipped_because: Annotated[
        dict[RefusalCode, int], Field(description="Why, at the last moment.", examples=[{"withdrawn": 2}])
    ]
    in_doubt: int = Field(description="Handed over, and no answer recorded; see `doubts`.", examples=[0])
    standing_still: list[str] = Field(description="Why nothing leaves, in words.", examples=[[]])
    halted: str | None = Field(description="Why it stopped by itself, or did not leave, in words.")
    overrides: Annotated[
        dict[str, str],
        Field(description="What blocked and did not stop it, by code: the reason that was given.", examples=[{}]),
    ]
    warnings: list[str] = Field(description="What should be looked at before it stops the letter.", examples=[[]])
    rate_per_minute: int | None = Field(description="Over the last minute; null when not known.", examples=[4312])
    seconds_left: int | None = Field(description="At that rate; null when not known.", examples=[42])
    rests_until: Moment | None = Field(description="Until when quiet hours last.")
    archive_url: str | None = Field(
        description="Where anybody can read it; null while only those who got it can.",
        examples=["https://mail.cafe.example/archive/news/cmp_7k2v9d3h5t8w1x4z6b0c"],
    )
    test: Test | None
    stance: Stance | None = Field(description="Whether it gives or asks; null while nobody has said.")
    tries: bool = Field(description="Two versions of it are, or were, on trial; see `trial`.", examples=[False])


class OneDoubt(Shape):
    """One mail of which nobody knows whether it arrived."""

    number: int = Field(description="By which it is settled.", examples=[4711])
    address: Address | None = Field(description="null once its person was forgotten.")
    handed_at: Moment | None
    message_id: str | None = Field(examples=["<9f86d081@cafe.example>"])
    attempts: int = Field(examples=[1])
    said: str | None = Field(description="What is known of it.", examples=["the connection was lost"])


class Doubts(Shape):
    """What is in doubt, the oldest first, at most 200 at once."""

    in_doubt: list[OneDoubt]
    more: int = Field(description="How many there are beside these.", examples=[0])


@blueprint.get("/campaigns")
@lock.needs(Scope.READ)
@blueprint.output(Campaigns)
def show() -> Campaigns:
    """Show the campaigns, newest first; welcome letters are none."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return Campaigns(campaigns=[Brief(**_brief(session, each)) for each in campaigns.all_of(session, owner)])


@blueprint.get("/campaigns/<campaign_id>")
@lock.needs(Scope.READ)
@blueprint.output(OneCampaign)
def show_one(campaign_id: str) -> OneCampaign:
    """Show how far a campaign is, and what happens now."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        return told(session, campaigns.identified(session, owner, campaign_id))


@blueprint.get("/campaigns/<campaign_id>/doubts")
@lock.needs(Scope.READ)
@blueprint.output(Doubts)
def show_doubts(campaign_id: str) -> Doubts:
    """Show what of a campaign is in doubt."""
    with store.reading() as session:
        owner = session.get_one(Organisation, lock.caller().organisation_id)
        found = campaigns.identified(session, owner, campaign_id)
        shown = settling.doubts(session, found, limit=_DOUBTS)
        return Doubts(in_doubt=[_doubt(each) for each in shown], more=settling.left(session, found) - len(shown))


def settings() -> Settings:
    """Return the settings of this process."""
    found: Settings = current_app.config["LISTKEEPER"]
    return found


def told(session: Session, campaign: Campaign) -> OneCampaign:
    """Return a campaign as programs read it."""
    session.flush()
    report = progress.report(session, campaign, late=settings().late, named=0)
    owner = session.get_one(Organisation, campaign.organisation_id)
    return OneCampaign(
        **_brief(session, campaign),
        now=outlook.sentence(campaign, report, storefront.zone_of(session, owner)),
        leaves_at=_moment(report.leaves_at),
        late=report.late,
        each_zone=campaign.each_zone,
        sent=report.sent,
        waiting=report.waiting,
        deferred=report.deferred,
        deferred_by=[PutOff(receiver=each.receiver, number=each.number) for each in report.put_off_by],
        failed=report.failed,
        skipped=report.skipped,
        skipped_because=report.skipped_because,
        in_doubt=report.doubts,
        standing_still=list(report.standing_still),
        halted=halt.words(campaign.halted) if campaign.halted else None,
        overrides={code: given["reason"] for code, given in (campaign.overrides or {}).items()},
        warnings=list(report.warnings),
        rate_per_minute=report.rate_per_minute,
        seconds_left=report.seconds_left,
        rests_until=_moment(report.rests_until),
        archive_url=archive.address_of(campaign, settings().site) if archive.is_shown(session, campaign) else None,
        test=_test(campaign),
        stance=stance.of(campaign),
        tries=campaign.trial is not None,
    )


def _brief(session: Session, campaign: Campaign) -> dict[str, str | int | None]:
    return {
        "id": campaign.public_id,
        "list": campaign.mailing_list.public_id,
        "subject": campaigns.newest(session, campaign).subject,
        "state": campaign.state,
        "recipients": campaign.recipients,
        "created_at": clock.as_text(campaign.created_at),
        "started_at": _moment(campaign.started_at),
        "finished_at": _moment(campaign.finished_at),
    }


def _test(campaign: Campaign) -> Test | None:
    found = pilot.of(campaign)
    if found is None:
        return None
    results = [Result(code=each.code, expected=each.expected, measured=each.measured) for each in found.results]
    return Test(state=found.state, size=found.size, results_at=_moment(found.results_at), results=results)


def _doubt(found: Doubt) -> OneDoubt:
    return OneDoubt(
        number=found.number,
        address=found.address,
        handed_at=_moment(found.handed_at),
        message_id=found.message_id,
        attempts=found.attempts,
        said=found.said,
    )


def _moment(value: datetime | None) -> str | None:
    return clock.as_text(value) if value is not None else None
