"""How many campaigns somebody got before a letter: the guidance block stands in the first three alone.

So it is known of those readers alone whose program has one, and needs to be right up to three. Each
letter writes it on its rows, and the next one goes on from there: one row a
person is read, however many letters there were. To count all that a million
people ever got would take longer with every letter.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Subquery, and_, case, func, literal, select
from sqlalchemy.orm import Session, aliased

from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.rendering import guidance
from listkeeper.sending import guided
from listkeeper.sending.delivery import Delivery, DeliveryState


def of_audience(session: Session, campaign: Campaign, audience: Subquery) -> tuple[FromClause, ColumnElement[int]]:
    """Return the audience with what its count needs beside it, and the count; it has ``id`` and ``email_key``."""
    previous = _previous(session, campaign)
    if previous is None:
        return audience, literal(0)
    last = aliased(Delivery)
    is_guided = guided.is_guided(session, audience.c.email_key)
    # Of nobody else a row is looked for.
    hers = and_(is_guided, last.subscriber_id == audience.c.id, last.campaign_id == previous)
    known = audience.outerjoin(last, hers)
    got_it = case((last.state == DeliveryState.ACCEPTED, 1), else_=0)
    counted = func.coalesce(last.letters_before + got_it, _counted(audience))
    return known, case((is_guided, counted), else_=0)


def _previous(session: Session, campaign: Campaign) -> int | None:
    """Return the letter before this one: the last to the same list, or else to any."""
    query = select(Campaign.id).where(
        Campaign.organisation_id == campaign.organisation_id,
        Campaign.id != campaign.id,
        Campaign.started_at.is_not(None),
        Campaign.kind == CampaignKind.LETTER,
    )
    same_list = case((Campaign.list_id == campaign.list_id, 0), else_=1)
    return session.scalar(query.order_by(same_list, Campaign.started_at.desc(), Campaign.id.desc()).limit(1))


def _counted(audience: Subquery) -> ColumnElement[int]:
    """Count of somebody who did not get the letter before: the first few rows are read, and no more."""
    got = (
        select(literal(1))
        .where(
            Delivery.subscriber_id == audience.c.id,
            Delivery.campaign_id.is_not(None),
            Delivery.message_class == MessageClass.MARKETING,
            Delivery.state == DeliveryState.ACCEPTED,
        )
        .limit(guidance.LETTERS_WITH_BLOCK)
        .correlate(audience)
        .subquery()
    )
    return select(func.count()).select_from(got).scalar_subquery()
