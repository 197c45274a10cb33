"""The mark in a link to the owner's shop: an order that names it names the letter it came from.

It is put on while somebody is led on, never into the stored address, and ends
after thirty days. Of a reader who is seen by name it names her letter, and is
honoured only while her consent stands; of one who is counted as a number it
names a link, and so the letter, and nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
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


def read(session: Session, texts: Collection[str]) -> dict[str, Ref]:
    """Return what marks name, in two queries however many they are.

    One is left out that is none of ours, has ended, or names somebody who is not seen any more.
    """
    now = clock.now()
    by_name, by_number = _unsealed(_BY_NAME, 2, texts, now), _unsealed(_AS_NUMBER, 1, texts, now)
    seen, letters = _of_deliveries(session, set(by_name.values())), _of_links(session, set(by_number.values()))
    named = {text: seen[number] for text, number in by_name.items() if number in seen}
    unnamed = {text: Ref(letters[number], None) for text, number in by_number.items() if number in letters}
    return named | unnamed


def _unsealed(purpose: str, length: int, texts: Collection[str], now: datetime) -> dict[str, int]:
    """Return the first number in each of the marks that are of one kind."""
    read = {text: signing.read_passing(purpose, text, length, now) for text in texts}
    return {text: numbers[0] for text, numbers in read.items() if numbers is not None}


def _of_deliveries(session: Session, deliveries: Collection[int]) -> dict[int, Ref]:
    if not deliveries:
        return {}
    query = (
        select(Delivery.id, Delivery.campaign_id, Delivery.subscriber_id)
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .join(Subscription, (Subscription.subscriber_id == Subscriber.id) & (Subscription.list_id == Delivery.list_id))
        .where(Delivery.id.in_(deliveries), tracking.stands())
    )
    return {row[0]: Ref(row[1], row[2]) for row in session.execute(query) if row[1] is not None}


def _of_links(session: Session, links: Collection[int]) -> dict[int, int]:
    if not links:
        return {}
    letters = select(CampaignLink.id, Revision.campaign_id).join(Revision, CampaignLink.revision_id == Revision.id)
    return {row[0]: row[1] for row in session.execute(letters.where(CampaignLink.id.in_(links)))}
