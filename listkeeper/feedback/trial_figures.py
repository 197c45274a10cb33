"""What came of the two versions of a letter on trial, as numbers for whoever judges them.

By clicks: of the mails whose links are counted, from how many a human followed
one. By replies: of the mails that arrived, how many were answered by a person.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.trial import Arm, Figures, Measure
from listkeeper.feedback import engagement
from listkeeper.sending.delivery import Delivery, DeliveryState


def of_arms(session: Session, campaign: Campaign) -> dict[Arm, Figures]:
    """Return the numbers of both versions as they are now; empty for a letter without a trial, or not under way yet."""
    trial = trials.of(campaign)
    if trial is None or campaign.started_at is None:
        return {}
    count = _clicks if trial.measure is Measure.CLICKS else _replies
    return {arm: count(session, campaign, trial.revision_of(arm)) for arm in Arm}


def _clicks(session: Session, campaign: Campaign, revision_id: int) -> Figures:
    del campaign
    found = engagement.of_revision(session, revision_id)
    # Who is counted as a number and comes back another day may be counted twice.
    return Figures(found.counted, min(found.clickers, found.counted))


def _replies(session: Session, campaign: Campaign, revision_id: int) -> Figures:
    here = (
        Delivery.campaign_id == campaign.id,
        Delivery.revision_id == revision_id,
        Delivery.state == DeliveryState.ACCEPTED,
    )
    # From the few conversations, not from the many mails; what no person wrote is none.
    answered = (
        select(func.count(Conversation.delivery_id.distinct()))
        .join(Delivery, Delivery.id == Conversation.delivery_id)
        .where(
            Conversation.organisation_id == campaign.organisation_id,
            Conversation.opened_at >= campaign.started_at,
            Conversation.state != ConversationState.SET_ASIDE,
            *here,
        )
    )
    mails = session.scalar(select(func.count()).select_from(Delivery).where(*here)) or 0
    return Figures(mails, session.scalar(answered) or 0)
