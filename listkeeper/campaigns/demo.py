"""The demo's letters: a few that are history, and a draft to play with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.demo_cafe import Cafe, DemoLetter
from listkeeper.audience.mailing_list import MailingList
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Draft, Revision
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.foundation import clock

# How long ago the letters went out, in days, oldest first; one more letter of the café is the draft.
_WENT_OUT = (70, 42, 14)
_HOUR = 9


@dataclass(frozen=True)
class PastLetter:
    """A letter that counts as sent, and when."""

    campaign: Campaign
    revision: Revision
    at: datetime


def write_past(
    session: Session, organisation: Organisation, mailing_list: MailingList, cafe: Cafe, site: str
) -> list[PastLetter]:
    """Store the letters that are history, oldest first. No fact is written: nothing wakes the sending."""
    return [
        _past(session, organisation, mailing_list, letter, site, clock.now() - timedelta(days=days))
        for letter, days in zip(cafe.letters, _WENT_OUT, strict=False)
    ]


def _past(  # noqa: PLR0913, PLR0917 - whose letter, what, from where, when
    session: Session,
    organisation: Organisation,
    mailing_list: MailingList,
    letter: DemoLetter,
    site: str,
    day: datetime,
) -> PastLetter:
    at = day.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    made = campaigns.create(session, organisation, mailing_list, _draft_of(letter), demo=True)
    chosen = campaigns.newest(session, made)
    revisions.compile_now(session, chosen, organisation, mailing_list, site)
    campaigns.move(made, CampaignState.SENDING)
    campaigns.move(made, CampaignState.FINISHED)
    made.sent_revision_id = chosen.id
    made.created_at = chosen.created_at = at - timedelta(days=1)
    made.started_at, made.finished_at = at, at + timedelta(minutes=4)
    session.flush()
    return PastLetter(made, chosen, at)


def write_draft(session: Session, organisation: Organisation, mailing_list: MailingList, cafe: Cafe) -> Campaign:
    """Store the letter that waits to be played with."""
    return campaigns.create(session, organisation, mailing_list, _draft_of(cafe.letters[-1]), demo=True)


def _draft_of(letter: DemoLetter) -> Draft:
    return Draft(letter.subject, letter.preheader, letter.markdown.strip() + "\n")


def remove(session: Session, organisation: Organisation) -> int:
    """Delete the demo's letters, once their deliveries are gone; return how many there were."""
    ours = select(Campaign.id).where(Campaign.organisation_id == organisation.id, Campaign.demo.is_(True))
    session.execute(update(Campaign).where(Campaign.id.in_(ours)).values(sent_revision_id=None))
    session.execute(delete(WelcomeLetter).where(WelcomeLetter.campaign_id.in_(ours)))
    session.execute(delete(Revision).where(Revision.campaign_id.in_(ours)))
    gone = session.execute(delete(Campaign).where(Campaign.id.in_(ours)).returning(Campaign.id))
    return len(gone.all())
