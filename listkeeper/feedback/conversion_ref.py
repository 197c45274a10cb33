"""The mark in a link to the owner's shop: an order that names it names the letter it came from.

It is put on while somebody is led on, never into the stored address, and ends
after thirty days. Of a reader who is seen by name it names her letter, and is
honoured only while her consent stands; of one who is counted as a number it
names a link, and so the letter, and nobody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.link import CampaignLink
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import clock, signing
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.link_visit import Named

PARAMETER = "lk"
LIFETIME = timedelta(days=30)
_BY_NAME, _AS_NUMBER = "conversion", "conversion-unnamed"


class Ref(NamedTuple):
    """What a mark names: the letter, and whose it was where she lets that be seen."""

    campaign_id: int
    subscriber_id: int | None


def token(named: Named) -> str:
    """Return the mark for a link that is being followed."""
    until = clock.now() + LIFETIME
    if named.delivery_id:
        return signing.passing(_BY_NAME, [named.delivery_id, named.link_id], until)
    return signing.passing(_AS_NUMBER, [named.link_id], until)


def read(session: Session, text: str) -> Ref | None:
    """Return what a mark names; None when it is none of ours, ended, or names somebody who is not seen any more."""
    now = clock.now()
    named = signing.read_passing(_BY_NAME, text, 2, now)
    if named is not None:
        return _of_delivery(session, named[0])
    unnamed = signing.read_passing(_AS_NUMBER, text, 1, now)
    if unnamed is None:
        return None
    letter = select(Revision.campaign_id).join(CampaignLink, CampaignLink.revision_id == Revision.id)
    campaign_id = session.scalar(letter.where(CampaignLink.id == unnamed[0]))
    return Ref(campaign_id, None) if campaign_id is not None else None


def _of_delivery(session: Session, delivery_id: int) -> Ref | None:
    query = (
        select(Delivery.campaign_id, Delivery.subscriber_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, (Subscription.subscriber_id == Subscriber.id) & (Subscription.list_id == Delivery.list_id))
        .where(Delivery.id == delivery_id, tracking.stands())
    )
    row = session.execute(query).first()
    return Ref(row[0], row[1]) if row is not None and row[0] is not None else None
