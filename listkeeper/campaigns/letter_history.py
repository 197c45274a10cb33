"""What a letter is worth saying of in the light of those before it: the same subject again, or too soon after one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign, CampaignKind
from listkeeper.campaigns.revision import Revision
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock, language

_SOON = timedelta(hours=24)
_HOUR = timedelta(hours=1)


def examine(session: Session, campaign: Campaign, subject: str) -> list[Finding]:
    """Compare a letter with the one its list got last."""
    before = _last(session, campaign)
    if before is None or before.started_at is None or campaign.kind is not CampaignKind.LETTER:
        return []
    return [*_soon(before, before.started_at), *_same_subject(session, before, subject)]


def _last(session: Session, campaign: Campaign) -> Campaign | None:
    query = select(Campaign).where(
        Campaign.list_id == campaign.list_id,
        Campaign.id != campaign.id,
        Campaign.kind == CampaignKind.LETTER,
        Campaign.started_at.is_not(None),
    )
    return session.scalars(query.order_by(Campaign.started_at.desc()).limit(1)).first()


def _soon(before: Campaign, at: datetime) -> Iterator[Finding]:
    ago = clock.now() - at
    if ago < _SOON:
        sentence = language.counted(
            "This list got a letter less than %(number)s hour ago; it went to %(people)s people.",
            "This list got a letter less than %(number)s hours ago; it went to %(people)s people.",
            ago // _HOUR + 1,
            people=before.recipients,
        )
        yield Finding("C7", Severity.WARN, "letter", sentence, place="letter")


def _same_subject(session: Session, before: Campaign, subject: str) -> Iterator[Finding]:
    sent = session.get(Revision, before.sent_revision_id) if before.sent_revision_id else None
    earlier = sent or revisions.numbered(session, before.id, before.version)
    if subject and earlier.subject.casefold() == subject.casefold():
        sentence = language.text(
            "The letter before had the same subject. Gmail puts the two together and may hide the new one."
        )
        yield Finding("C1b", Severity.WARN, "subject", sentence, place="subject")
