"""Letters that left with a stance, and people whom they reached."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.stance import Stance
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.cafe import Cafe


def sent(
    session: Session, house: Cafe, stance: Stance | None, *, ago: timedelta = timedelta(0), subject: str = "Buns"
) -> Campaign:
    """Store a letter to the list that has left."""
    letter = cafe.draft(session, house, subject=subject)
    letter.stance = stance.value if stance is not None else None
    letter.state, letter.started_at = CampaignState.FINISHED, clock.now() - ago
    letter.sent_revision_id = campaigns.newest(session, letter).id
    session.flush()
    return letter


def reached(
    session: Session,
    letter: Campaign,
    person: Subscriber,
    state: DeliveryState = DeliveryState.ACCEPTED,
    *,
    campaign: bool = True,
) -> Delivery:
    """Store what became of a letter on its way to a person; welcome letters have no ``campaign`` on their row."""
    made = Delivery(
        organisation_id=letter.organisation_id,
        message_class=MessageClass.MARKETING,
        lane=Lane.SENDING,
        occasion=f"test:{letter.id}:{person.id}",
        state=state,
        campaign_id=letter.id if campaign else None,
        revision_id=campaigns.newest(session, letter).id,
        subscriber_id=person.id,
        list_id=letter.list_id,
        handed_at=letter.started_at or clock.now(),
    )
    session.add(made)
    session.flush()
    return made
