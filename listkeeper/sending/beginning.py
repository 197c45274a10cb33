"""Beginning a letter whose time has come, and calling it back when it cannot leave after all.

What was checked when it was ordered is checked again: a list may have emptied
and a domain may have lost its records since. A letter that cannot leave is a
draft again and says why; it never waits unseen.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import preflight, schedule
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Revision
from listkeeper.deliverability.finding import Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Conflict, ListkeeperError
from listkeeper.sending import planning
from listkeeper.sending.trying import trial_order


def begin_due(  # noqa: PLR0913 - which letter, and the settings of this instance
    session: Session, number: int, *, site: str, practice: bool, late: timedelta, gate: Gate
) -> bool:
    """Let a letter go if its time has come; False when somebody else has done so, or took it back.

    Raises one of the five errors when it cannot leave; then ``call_back`` it in another transaction.
    """
    campaign = session.get(Campaign, number)
    if campaign is None:
        return False
    campaigns.lock(session, campaign)
    if not schedule.is_due(campaign, clock.now(), late):
        return False
    organisation = session.get_one(Organisation, campaign.organisation_id)
    with language.using(organisation.language):
        chosen = _bound(session, campaign)
        _demand_ready(session, campaign, site=site, practice=practice, gate=gate)
        revisions.compile_now(session, chosen, organisation, campaign.mailing_list, site)
        trial_order.ready_again(session, organisation, campaign, site)
        planning.begin(session, campaign, chosen, practice=practice)
    return True


def _bound(session: Session, campaign: Campaign) -> Revision:
    chosen = campaigns.newest(session, campaign)
    if chosen.id != campaign.sent_revision_id:
        raise Conflict(
            "changed_since_preview",
            language.text("The letter has changed since you looked at it. Nothing was sent; look again, then send."),
        )
    return chosen


def _demand_ready(session: Session, campaign: Campaign, *, site: str, practice: bool, gate: Gate) -> None:
    found = preflight.inspect(session, campaign, site=site, practice=practice, gate=gate).findings
    blocking = next((row for row in found if row.severity is Severity.BLOCK), None)
    if blocking is not None:
        raise Conflict("not_ready", blocking.message)


def call_back(session: Session, number: int, problem: ListkeeperError) -> None:
    """Make a letter that could not leave a draft again, with the reason on it; one that has left is left alone."""
    campaign = session.get_one(Campaign, number)
    campaigns.lock(session, campaign)
    if campaign.state in schedule.ORDERED:
        schedule.take_back(session, campaign)
        campaign.halted = {"code": problem.code, "words": problem.message}
