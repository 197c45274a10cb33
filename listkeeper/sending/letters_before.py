"""How many campaigns somebody got before a letter: the request about Gmail's tabs stands in the first three alone.

So it is known of readers at Gmail alone, and needs to be right up to three. Each
letter writes it on its rows, and the next one goes on from there: one row a
person is read, however many letters there were. To count all that a million
people ever got would take longer with every letter.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from listkeeper.campaigns.campaign import Campaign
from listkeeper.rendering import primary_tab
from listkeeper.sending.delivery import Delivery, DeliveryState


def of_audience(session: Session, campaign: Campaign, audience: Subquery) -> tuple[FromClause, ColumnElement[int]]:
    """Return the audience with what its count needs beside it, and the count; it has ``id`` and ``email_key``."""
    previous = _previous(session, campaign)
    if previous is None:
        return audience, literal(0)
    last = aliased(Delivery)
    at_gmail = or_(*(audience.c.email_key.endswith(f"@{domain}") for domain in sorted(primary_tab.GMAIL_DOMAINS)))
    # Of nobody else a row is looked for.
    hers = and_(at_gmail, last.subscriber_id == audience.c.id, last.campaign_id == previous)
    known = audience.outerjoin(last, hers)
    got_it = case((last.state == DeliveryState.ACCEPTED, 1), else_=0)
    counted = func.coalesce(last.letters_before + got_it, _counted(audience))
    return known, case((at_gmail, counted), else_=0)


def _previous(session: Session, campaign: Campaign) -> int | None:
    """Return the letter before this one: the last to the same list, or else to any."""
    query = select(Campaign.id).where(
        Campaign.organisation_id == campaign.organisation_id,
        Campaign.id != campaign.id,
        Campaign.started_at.is_not(None),
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
            Delivery.state == DeliveryState.ACCEPTED,
        )
        .limit(primary_tab.LETTERS_WITH_BLOCK)
        .correlate(audience)
        .subquery()
    )
    return select(func.count()).select_from(got).scalar_subquery()
