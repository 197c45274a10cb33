"""How far a campaign is, in the words and numbers that people and scripts rely on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.sending import delivery, incident, tally, watch_words
from listkeeper.sending.delivery import OPEN, SENT, Delivery, DeliveryState
from listkeeper.sending.tally import Kind, provider_kind


@dataclass(frozen=True)
class Progress:
    """The state of a campaign; ``sent`` counts accepted and bounced, ``skipped`` refused and cancelled rows."""

    state: CampaignState
    recipients: int
    sent: int
    waiting: int
    skipped: int
    deferred: int
    failed: int
    in_doubt: tuple[str, ...]
    skipped_because: dict[RefusalCode, int]
    standing_still: tuple[str, ...]


def report(session: Session, campaign: Campaign) -> Progress:
    """Count a campaign's deliveries."""
    found = delivery.counts(session, campaign.id)
    moving = campaign.state is CampaignState.SENDING
    return Progress(
        state=campaign.state,
        recipients=campaign.recipients,
        sent=sum(found[state] for state in SENT),
        waiting=found[DeliveryState.QUEUED] + found[DeliveryState.LEASED] + found[DeliveryState.HANDED],
        skipped=found[DeliveryState.REFUSED] + found[DeliveryState.CANCELLED],
        deferred=found[DeliveryState.DEFERRED],
        failed=found[DeliveryState.FAILED],
        in_doubt=_addresses_in_doubt(session, campaign),
        skipped_because=_refusals(session, campaign),
        standing_still=_standing_still(session) if moving else (),
    )


def _standing_still(session: Session) -> tuple[str, ...]:
    return tuple(watch_words.of(row) for row in incident.standing(session) if row.stops)


def _addresses_in_doubt(session: Session, campaign: Campaign) -> tuple[str, ...]:
    query = (
        select(Subscriber.email_send)
        .join(Delivery, Delivery.subscriber_id == Subscriber.id)
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.IN_DOUBT)
        .order_by(Subscriber.email_send)
    )
    return tuple(session.scalars(query))


def _refusals(session: Session, campaign: Campaign) -> dict[RefusalCode, int]:
    query = (
        select(Delivery.refusal_code, func.count())
        .where(Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.REFUSED)
        .group_by(Delivery.refusal_code)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def finish_if_done(session: Session) -> list[int]:
    """Mark every sending campaign without open deliveries as finished; return their ids."""
    open_rows = select(Delivery.id).where(Delivery.campaign_id == Campaign.id, Delivery.state.in_(OPEN)).exists()
    query = (
        select(Campaign).where(Campaign.state == CampaignState.SENDING, ~open_rows).with_for_update(skip_locked=True)
    )
    done = list(session.scalars(query))
    for campaign in done:
        campaigns.move(campaign, CampaignState.FINISHED)
        reached = select(Delivery.subscriber_id).where(
            Delivery.campaign_id == campaign.id, Delivery.state == DeliveryState.ACCEPTED
        )
        subscription.contacted(session, campaign.list_id, reached, clock.now())
    return [campaign.id for campaign in done]


def cancel(session: Session, campaign: Campaign) -> int:
    """Stop a campaign for good: whatever waits stays home; return how many. What is under way ends as it ends."""
    session.refresh(campaign, with_for_update=True)
    campaigns.cancel(campaign)
    stopped = session.execute(
        update(Delivery)
        .where(
            Delivery.campaign_id == campaign.id,
            Delivery.state.in_((DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.LEASED)),
        )
        .values(state=DeliveryState.CANCELLED, worker=None, lease_until=None, settled_at=clock.now())
        .returning(Delivery.lane, Delivery.message_class, Delivery.provider)
    ).all()
    tally.add(session, Counter(Kind(DeliveryState.CANCELLED, row[0], row[1], provider_kind(row[2])) for row in stopped))
    return len(stopped)
