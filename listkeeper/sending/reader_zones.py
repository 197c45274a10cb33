"""At nine by each reader's own clock: where it is known in which zone somebody lives, and by the business's elsewhere.

Nothing is guessed from an address or a language: only what somebody told is
known. Where the hour is over already when the letter is ordered, it is
tomorrow's: nobody gets a letter in the middle of the night because it was nine
o'clock somewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, literal, select, true, update
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns import recipients
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.delivery import Delivery

_DAY = timedelta(days=1)


def known(session: Session, mailing_list: MailingList, within: ColumnElement[bool] | None = None) -> dict[str, int]:
    """Return how many confirmed people of a list, or of a segment, live in which zone, as far as they told."""
    query = (
        select(Subscriber.time_zone, func.count())
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(
            Subscription.list_id == mailing_list.id,
            Subscription.state == SubscriptionState.CONFIRMED,
            Subscriber.time_zone.is_not(None),
            within if within is not None else true(),
        )
        .group_by(Subscriber.time_zone)
    )
    return {zone: number for zone, number in session.execute(query) if zone is not None}


def moments(at: datetime, home: str, zones: Collection[str], not_before: datetime) -> dict[str, datetime]:
    """Return when it is the same hour and day in each zone as at a moment at home; a day later where that is over."""
    wall = at.astimezone(ZoneInfo(home)).replace(tzinfo=None)
    found = {}
    for zone in {home, *zones}:
        there = ZoneInfo(zone)
        moment = wall.replace(tzinfo=there).astimezone(UTC)
        found[zone] = moment if moment >= not_before else (wall + _DAY).replace(tzinfo=there).astimezone(UTC)
    return found


def begins_at(session: Session, campaign: Campaign, at: datetime, now: datetime) -> datetime:
    """Return when the first reader's hour has come. Raises Invalid when nobody told a zone."""
    zones = known(session, campaign.mailing_list, recipients.of_letter(session, campaign).within)
    if not zones:
        raise Invalid(
            "no_zones",
            language.text("Of nobody on this list it is known in which time zone they live. Nothing was sent."),
        )
    return min(moments(at, _home(session, campaign), zones, now).values())


def spread(session: Session, campaign: Campaign) -> None:
    """Let each delivery that was just planned wait for its reader's hour."""
    if not campaign.each_zone or campaign.scheduled_for is None or campaign.begins_at is None:
        return
    home = _home(session, campaign)
    hours = moments(campaign.scheduled_for, home, known(session, campaign.mailing_list), campaign.begins_at)
    at_home = literal(hours.pop(home), Delivery.due_at.type)
    lives_in = select(Subscriber.time_zone).where(Subscriber.id == Delivery.subscriber_id).scalar_subquery()
    others = {zone: literal(moment, Delivery.due_at.type) for zone, moment in hours.items()}
    due = case(others, value=lives_in, else_=at_home) if others else at_home
    planned = update(Delivery).where(Delivery.campaign_id == campaign.id).values(due_at=due)
    session.execute(planned.execution_options(synchronize_session=False))


def _home(session: Session, campaign: Campaign) -> str:
    return storefront.zone_of(session, session.get_one(Organisation, campaign.organisation_id))
