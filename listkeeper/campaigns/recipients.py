"""Whom a letter goes to: who may be mailed on its list, of those its segment and its topic leave."""

from __future__ import annotations

from sqlalchemy import Select
from sqlalchemy.orm import Session

from listkeeper.campaigns import preflight, segment_use
from listkeeper.campaigns.campaign import Campaign


def expected(session: Session, campaign: Campaign, *, practice: bool) -> int:
    """Return how many people a letter would be planned for now. Raises NotFound when its segment is gone."""
    within = segment_use.within(session, campaign)
    return preflight.audience_size(session, campaign.mailing_list, campaign.topic, practice=practice, within=within)


def frozen(session: Session, campaign: Campaign, *, practice: bool) -> Select[int]:
    """Return the SELECT of whom a letter is planned for as it sets out, and keep on it what its segment says now."""
    within = segment_use.freeze(session, campaign)
    return preflight.audience(campaign.mailing_list, campaign.topic, practice=practice, within=within)
