"""What a program may do to a letter: send it, now or later, and steer it. Nothing here gives anybody's permission."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy.orm import Session

from listkeeper.accounts import audit_log, storefront
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import topic
from listkeeper.campaigns import assumption, domain_gate, preflight, recipients, schedule
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.schedule import Leaving
from listkeeper.campaigns.stance import Stance
from listkeeper.campaigns.trial import Order
from listkeeper.deliverability.finding import Severity
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.insight import trust_account
from listkeeper.sending import pilot, planning, settling, steering
from listkeeper.sending.pilot import Pilot
from listkeeper.sending.settling import Settlement
from listkeeper.web import domain_read
from listkeeper.web.api import campaign_trial, change, lock
from listkeeper.web.api import campaigns as shown
from listkeeper.web.api.campaign_trial import TwoVersions
from listkeeper.web.api.campaigns import OneCampaign
from listkeeper.web.api.change import Done
from listkeeper.web.api.shape import Address, Digest, Nothing, Shape

blueprint = APIBlueprint("api_campaign_acts", __name__, url_prefix=lock.NOW, tag="Campaigns")

Percent = Annotated[float, Field(ge=0, le=100, examples=[1.5])]


class FewFirst(Shape):
    """A test: a few get the letter first, and the others wait for what comes back."""

    share: Annotated[
        float, Field(ge=0.1, le=50, description="How many first, in per cent; at least 50 people.", examples=[5])
    ]
    wait_minutes: Annotated[int, Field(ge=1, le=4320, description="For how long at least.", examples=[120])] = 120
    clicks: Percent | None = Field(default=None, description="At least so many click, in per cent.")
    bounces: Percent | None = Field(default=None, description="At most so many do not exist, in per cent.")
    release: bool = Field(default=False, description="If that is met the rest goes by itself.")


class Start(Shape):
    """How a campaign shall leave; an empty object: now, to everybody."""

    sha256: Digest | None = Field(
        default=None, description="Of the words that were seen; others are refused with `changed_since_preview`."
    )
    at: Annotated[
        str | None,
        Field(
            max_length=40,
            description="When it leaves: RFC 3339; without an offset by the clocks of the business.",
            examples=["2026-12-24T09:00:00+01:00"],
        ),
    ] = None
    hold_minutes: Annotated[
        int, Field(ge=0, le=1440, description="For how long it can be undone first.", examples=[10])
    ] = 0
    each_zone: bool = Field(default=False, description="With `at`: at that hour by each reader's own clock.")
    late: bool = Field(default=False, description="Send one whose time passed while nothing was at work here.")
    topic: str | None = Field(default=None, max_length=80, description="What it is about: who chose others gets none.")
    segment: str | None = Field(
        default=None,
        max_length=40,
        description="The segment of the list it goes to; empty: everybody; null: as it was.",
    )
    important: bool = Field(default=False, description="Also to whoever wants fewer letters, or such ones only.")
    test: FewFirst | None = None
    trial: TwoVersions | None = None
    expect: Annotated[
        str | None,
        Field(
            max_length=40,
            description="What you believe comes of it: a share of clicks, replies, left or orders. The report says "
            "afterwards what did.",
            examples=["clicks 3%"],
        ),
    ] = None
    stance: Stance | None = Field(
        default=None, description="What the letter gives or asks; null: as it was, or as its blocks suggest."
    )
    below_floor: bool = Field(
        default=False, description="Send an ask though it takes its list below the floor of its trust account."
    )
    yes: bool = Field(default=False, description="Send although checks of the sender's domain could not be made.")
    overrides: dict[str, Annotated[str, Field(max_length=500)]] = Field(
        default_factory=dict,
        max_length=20,
        description="Send in spite of findings about the sender's domain that block: by their codes, the reason.",
        examples=[{"S2a": "The record is mended tonight."}],
    )


class Again(Shape):
    """What of the failed is tried once more."""

    address: Address | None = Field(default=None, description="Only this reader, whatever the reason was.")
    everybody: bool = Field(default=False, description="Also those of whom their server says there is no such address.")


class Retried(Shape):
    """How many are tried once more."""

    queued: int = Field(examples=[3])
    left_alone: int = Field(description="Their server says that there is no such address.", examples=[2])
    campaign: OneCampaign


class Settling(Shape):
    """What became of mails in doubt, as a person says who looked."""

    how: Settlement
    numbers: Annotated[
        list[int] | None,
        Field(max_length=1000, description="Which, as `doubts` shows them; null: all.", examples=[[4711]]),
    ]


class Settled(Shape):
    """How many were settled."""

    settled: int = Field(examples=[1])
    left: int = Field(description="How many are still in doubt.", examples=[0])
    campaign: OneCampaign


@blueprint.post("/campaigns/<campaign_id>/start")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Start, arg_name="wanted")
@blueprint.output(OneCampaign)
def start(campaign_id: str, wanted: Start) -> Response:
    """Send a campaign: now, after a while in which it can be undone, or at a moment.

    It is checked as in the studio; what blocks sending is refused. One that
    waits to leave may be started again for another moment.
    """
    domain_read.again(shown.settings())

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        found = campaigns.identified(session, owner, campaign_id)
        zone = storefront.zone_of(session, owner)
        if not wanted.late and wanted.at is None:
            schedule.demand_in_time(found, clock.now(), zone, shown.settings().late)
        for code in domain_gate.override(session, found, wanted.overrides, shown.settings().gate, key.actor):
            audit_log.record(session, owner.id, key.actor, f"campaign.overrode_{code}", found.public_id)
        # Before it is checked: it is judged by whom it goes to.
        before = trust_account.judged(found)
        recipients.choose(session, found, wanted.segment)
        _demand_ready(session, found, accepted=wanted.yes)
        about = topic.named(session, found.mailing_list, wanted.topic) if wanted.topic else None
        site, practice = shown.settings().site, shown.settings().rehearsing
        if wanted.expect is not None:
            found.assumption = assumption.read(wanted.expect).as_json()
        stance = trust_account.of_letter(found, campaigns.newest(session, found).draft, wanted.stance)
        trust_account.declare(session, found, stance, below_floor=wanted.below_floor, before=before)
        planning.send_campaign(
            session, owner, found, site=site, practice=practice, sha256=wanted.sha256,
            about=about, important=wanted.important, leaves=_leaving(wanted, zone),
            test=_tested(wanted),
        )  # fmt: skip
        return Done(shown.told(session, found), schedule.ACTS[found.state], found.public_id)

    return change.made(act)


def _demand_ready(session: Session, campaign: Campaign, *, accepted: bool) -> None:
    campaigns.demand_unsent(campaign)
    settings = shown.settings()
    found = preflight.inspect(
        session, campaign, site=settings.site, practice=settings.rehearsing, gate=settings.gate
    ).findings
    blocking = next((row for row in found if row.severity is Severity.BLOCK), None)
    if blocking is not None:
        raise Conflict("not_ready", f"{blocking.message} {language.text('Nothing was sent.')}")
    domain_gate.demand_known(found, settings.gate, accepted=accepted)


def _leaving(wanted: Start, zone: str) -> Leaving:
    if wanted.at is not None and wanted.hold_minutes:
        raise Invalid("at_or_hold", language.text("Choose a moment or a hold. Nothing was sent."))
    if wanted.at is None and wanted.each_zone:
        raise Invalid("zone_of_when", language.text("Say which hour it shall be for each reader. Nothing was sent."))
    moment = schedule.read(wanted.at, zone) if wanted.at is not None else None
    return Leaving(moment, timedelta(minutes=wanted.hold_minutes), each_zone=wanted.each_zone)


def _tested(wanted: Start) -> Pilot | Order | None:
    if wanted.test is not None and wanted.trial is not None:
        raise Invalid("pilot_or_trial", language.text("Choose a few first, or two versions. Nothing was sent."))
    return campaign_trial.order_of(wanted.trial) or _few(wanted.test)


def _few(wanted: FewFirst | None) -> Pilot | None:
    if wanted is None:
        return None
    return pilot.plan(
        share=round(wanted.share * 10),
        wait=timedelta(minutes=wanted.wait_minutes),
        clicks=round(wanted.clicks * 10) if wanted.clicks is not None else None,
        bounces=round(wanted.bounces * 10) if wanted.bounces is not None else None,
        by_itself=wanted.release,
    )


def _steered(campaign_id: str, action: str, act: Callable[[Session, Campaign], object]) -> Response:
    """Do one thing to a campaign and answer with it."""

    def steer(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = campaigns.identified(session, owner, campaign_id)
        act(session, found)
        return Done(shown.told(session, found), action, found.public_id)

    return change.made(steer)


@blueprint.post("/campaigns/<campaign_id>/undo")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneCampaign)
def undo(campaign_id: str, nothing: Nothing) -> Response:
    """Take back a campaign that waits to leave: it is a draft again. The body is an empty object."""
    del nothing
    return _steered(campaign_id, "campaign.taken_back", schedule.take_back)


@blueprint.post("/campaigns/<campaign_id>/pause")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneCampaign)
def pause(campaign_id: str, nothing: Nothing) -> Response:
    """Let nothing more of a campaign leave until it is resumed. The body is an empty object."""
    del nothing
    return _steered(campaign_id, "campaign.paused", steering.pause)


@blueprint.post("/campaigns/<campaign_id>/resume")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneCampaign)
def resume(campaign_id: str, nothing: Nothing) -> Response:
    """Let a paused campaign go on where it stood; a stop of its own is overruled. The body is an empty object."""
    del nothing
    return _steered(campaign_id, "campaign.resumed", steering.resume)


@blueprint.post("/campaigns/<campaign_id>/release")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneCampaign)
def release(campaign_id: str, nothing: Nothing) -> Response:
    """Let everybody else have what a few got first. The body is an empty object."""
    del nothing
    return _steered(campaign_id, "campaign.released", steering.release)


@blueprint.post("/campaigns/<campaign_id>/cancel")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Nothing, arg_name="nothing")
@blueprint.output(OneCampaign)
def cancel(campaign_id: str, nothing: Nothing) -> Response:
    """Stop a campaign for good; what has not been handed over stays home. The body is an empty object."""
    del nothing
    return _steered(campaign_id, "campaign.cancelled", steering.cancel)


@blueprint.post("/campaigns/<campaign_id>/retry")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Again, arg_name="again")
@blueprint.output(Retried)
def retry(campaign_id: str, again: Again) -> Response:
    """Try once more what failed, but for readers whose address does not exist; what was taken is never among it."""

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        del key
        found = campaigns.identified(session, owner, campaign_id)
        queued = steering.retry(session, found, everybody=again.everybody, typed=again.address)
        left = steering.failed_for_good(session, found)
        answer = Retried(queued=queued, left_alone=left, campaign=shown.told(session, found))
        return Done(answer, "campaign.retried", found.public_id)

    return change.made(act)


@blueprint.post("/campaigns/<campaign_id>/settlements")
@lock.needs(Scope.CAMPAIGNS)
@blueprint.input(Settling, arg_name="settling_of")
@blueprint.output(Settled)
def settle(campaign_id: str, settling_of: Settling) -> Response:
    """Settle what is in doubt, after a person looked: it was sent, it was not, or send it again.

    What is sent again may come twice.
    """

    def act(session: Session, owner: Organisation, key: ApiKey) -> Done:
        found = campaigns.identified(session, owner, campaign_id)
        settled = settling.settle(session, found, settling_of.how, settling_of.numbers, actor=key.actor)
        left = settling.left(session, found)
        answer = Settled(settled=settled, left=left, campaign=shown.told(session, found))
        return Done(answer, "campaign.settled", found.public_id)

    return change.made(act)
