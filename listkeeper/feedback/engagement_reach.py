"""How many mails of a letter are counted at all: what every share of readers who followed a link is a share of.

No mail says of itself that it is counted, so that nothing ties a number to a
person: it is known from who had chosen so when her mail was handed over, and
has not taken it back since. The timetable says it anew while a letter leaves
and for some days after; then the number stays.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns.campaign import Campaign, CampaignKind, CampaignState
from listkeeper.feedback import engagement_tally
from listkeeper.feedback.engagement_tally import UNKNOWN, Key, What
from listkeeper.foundation import clock
from listkeeper.sending import tally
from listkeeper.sending.delivery import SENT, Delivery

_AFTERWARDS = timedelta(days=3)
# These leave one by one, for as long as their list lives.
_ENDLESS = (CampaignKind.WELCOME, CampaignKind.FOLLOW_UP)


def due(session: Session) -> list[int]:
    """Return the letters of which the number may be another one by now."""
    leaving = Campaign.state.in_([CampaignState.SENDING, CampaignState.PAUSED])
    lately = Campaign.finished_at > clock.now() - _AFTERWARDS
    endless = and_(Campaign.kind.in_(_ENDLESS), Campaign.state != CampaignState.DRAFT)
    return list(session.scalars(select(Campaign.id).where(or_(leaving, lately, endless)).order_by(Campaign.id)))


def count(session: Session, campaign_id: int) -> None:
    """Say anew how many mails of a letter are counted."""
    engagement_tally.set_counted(session, campaign_id, counted(session, campaign_id))


def counted(session: Session, campaign_id: int) -> Counter[Key]:
    """Count the mails of a letter that arrived and are counted, by provider where their readers let it be seen.

    It looks at each of them, and so is done while others write.
    """
    list_id = session.scalar(select(Campaign.list_id).where(Campaign.id == campaign_id))
    by_name, as_number = Subscription.tracking_since, Subscription.counted_since
    provider = case((by_name.is_not(None), Delivery.provider), else_=None)
    query = (
        select(Delivery.revision_id, provider, func.count())
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .join(Delivery, and_(Delivery.subscriber_id == Subscription.subscriber_id, Delivery.campaign_id == campaign_id))
        .where(
            Subscription.list_id == list_id,
            or_(by_name.is_not(None), as_number.is_not(None)),
            Subscription.state == SubscriptionState.CONFIRMED,
            Subscriber.restricted_at.is_(None),
            func.coalesce(by_name, as_number) <= Delivery.handed_at,
            Delivery.state.in_(SENT),
        )
        .group_by(Delivery.revision_id, provider)
    )
    numbers: Counter[Key] = Counter()
    for revision_id, named, number in session.execute(query):
        kind = tally.provider_kind(named) if named else UNKNOWN
        numbers[Key(campaign_id, revision_id or 0, 0, kind, What.COUNTED)] += number
    return numbers
