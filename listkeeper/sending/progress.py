"""How far a campaign is, in the words and numbers that people and scripts rely on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import RefusalCode
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.sending import delivery, first_message, incident
from listkeeper.sending.delivery import OPEN, SENT, Delivery, DeliveryState
from listkeeper.sending.first_message import Verdict


@dataclass(frozen=True)
class Progress:
    """The state of a campaign; ``sent`` counts accepted and bounced, ``skipped`` refused and cancelled rows.

    ``leaves_at`` is when an ordered one begins, and ``late`` that this was so long ago that its owner must be asked.
    """

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
    leaves_at: datetime | None = None
    late: bool = False
    first_message: Verdict | None = None


def report(session: Session, campaign: Campaign, *, late: timedelta = schedule.LATE) -> Progress:
    """Count a campaign's deliveries; ``late`` is how long after its time it may still begin by itself."""
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
        standing_still=tuple(row.words for row in incident.standing(session)) if moving else (),
        leaves_at=schedule.leaves_at(campaign),
        late=schedule.is_late(campaign, clock.now(), late),
        first_message=first_message.of_letter(campaign),
    )


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
    return [campaign.id for campaign in done]
