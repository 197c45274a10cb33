"""When a letter leaves: at once, after a while in which it can be undone, or at a moment its owner chose.

What leaves later is bound to its words when it is ordered; the timetable begins
it when its time has come. A letter whose time passed while nothing was at work
here does not leave by itself: an invitation for nine o'clock may be worse than
none at three. Its owner is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, Invalid

# How long after its time a letter may still begin by itself.
LATE = timedelta(minutes=30)
LONGEST_HOLD = timedelta(days=1)
_FURTHEST = timedelta(days=366)
# Who types the present minute means now.
_JUST_NOW = timedelta(minutes=1)
ORDERED = (CampaignState.SCHEDULED, CampaignState.HELD)
# How the audit log calls it when somebody ordered a letter, by what has become of it.
ACTS = {
    CampaignState.SENDING: "campaign.started",
    CampaignState.SCHEDULED: "campaign.scheduled",
    CampaignState.HELD: "campaign.held",
}


@dataclass(frozen=True)
class Leaving:
    """When a letter shall leave: at a moment, or after a while; neither is at once."""

    at: datetime | None = None
    hold: timedelta = timedelta(0)
    # The same hour by each reader's own clock.
    each_zone: bool = False


AT_ONCE = Leaving()


def order(campaign: Campaign, leaves: Leaving, now: datetime, begins_at: datetime | None = None) -> None:
    """Schedule or hold a letter whose words were just bound. Raises Invalid for a moment that cannot be.

    ``begins_at`` is when the first readers' hour has come, when it leaves by their own clocks.
    """
    campaign.each_zone, campaign.begins_at = begins_at is not None, begins_at
    if leaves.at is None:
        _enter(campaign, CampaignState.HELD)
        campaign.held_until, campaign.scheduled_for = now + min(leaves.hold, LONGEST_HOLD), None
        return
    if leaves.at < now - _JUST_NOW:
        raise Invalid(
            "past", language.text("That moment is over already. Nothing was sent; choose one that is to come.")
        )
    if leaves.at > now + _FURTHEST:
        raise Invalid("too_far", language.text("That is more than a year away. Nothing was sent; choose a nearer day."))
    _enter(campaign, CampaignState.SCHEDULED)
    campaign.scheduled_for, campaign.held_until = leaves.at, None


def _enter(campaign: Campaign, target: CampaignState) -> None:
    if campaign.state is not target:
        campaigns.move(campaign, target)


def take_back(session: Session, campaign: Campaign) -> None:
    """Make a letter that was ordered and has not begun a draft again: undo. Raises Conflict when it has begun."""
    campaigns.lock(session, campaign)
    if campaign.state not in ORDERED:
        raise Conflict(
            "nothing_to_undo", language.text("This letter is not waiting to leave, so there is nothing to take back.")
        )
    campaigns.move(campaign, CampaignState.DRAFT)
    campaign.each_zone, campaign.begins_at = False, None
    campaign.scheduled_for = campaign.held_until = campaign.sent_revision_id = None
    campaign.pilot = campaign.trial = None
    campaign.recipients = 0


def leaves_at(campaign: Campaign) -> datetime | None:
    """Return when a letter that was ordered begins; None for every other."""
    match campaign.state:
        case CampaignState.SCHEDULED:
            return campaign.begins_at or campaign.scheduled_for
        case CampaignState.HELD:
            return campaign.held_until
        case _:
            return None


def is_late(campaign: Campaign, now: datetime, allowed: timedelta = LATE) -> bool:
    """Return whether a letter should have left so long ago that its owner must be asked."""
    moment = leaves_at(campaign)
    return moment is not None and now - moment > allowed


def is_due(campaign: Campaign, now: datetime, allowed: timedelta = LATE) -> bool:
    """Return whether a letter may begin by itself now."""
    moment = leaves_at(campaign)
    return moment is not None and moment <= now <= moment + allowed


def due(session: Session, now: datetime, allowed: timedelta = LATE) -> list[int]:
    """Return the numbers of the letters that may begin by themselves now, the one that waited longest first."""
    begins = func.coalesce(Campaign.begins_at, Campaign.scheduled_for)
    reached = or_(begins <= now, Campaign.held_until <= now)
    found = session.scalars(select(Campaign).where(Campaign.state.in_(ORDERED), reached).order_by(Campaign.id))
    ready = [each for each in found if is_due(each, now, allowed)]
    return [each.id for each in sorted(ready, key=lambda each: leaves_at(each) or now)]


def demand_in_time(campaign: Campaign, now: datetime, zone: str, allowed: timedelta = LATE) -> None:
    """Raise Conflict when a letter is late: that it may leave all the same is for its owner to say."""
    moment = leaves_at(campaign)
    if moment is not None and is_late(campaign, now, allowed):
        raise Conflict(
            "late",
            language.text(
                "This letter should have left at this time: %(moment)s. Nothing was at work then. Nothing was sent.",
                moment=language.appointment(moment, zone),
            ),
        )


def read(typed: str, zone: str) -> datetime:
    """Return the moment that was typed, as ``2026-12-24 09:00``; without an offset it is by the clocks of ``zone``.

    Raises Invalid for what is no moment, and for one that the clocks leap over in spring.
    """
    written = typed.strip()
    try:
        # A day alone would be midnight, which nobody means.
        said = datetime.fromisoformat(written if ":" in written else "")
        clocks = said.tzinfo or ZoneInfo(zone)
        moment = said.replace(tzinfo=clocks).astimezone(UTC)
        shown = moment.astimezone(clocks)
    except (ValueError, OverflowError):
        raise Invalid(
            "moment", language.text("Please write the moment as 2026-12-24 09:00. Nothing was sent.")
        ) from None
    if shown.replace(tzinfo=None) != said.replace(tzinfo=None):
        raise Invalid(
            "no_such_time",
            language.text("The clocks leap over that time on that day. Nothing was sent; choose another."),
        )
    return moment
