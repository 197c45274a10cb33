"""A feed's letter that leaves by itself: ordered as its owner would, with the same checks and the time to undo it.

What would stop its owner stops it too. It then is a draft that says why, and
waits for somebody to look at it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import domain_gate, preflight
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import AT_ONCE, Leaving
from listkeeper.campaigns.stance import Stance
from listkeeper.deliverability.finding import Severity
from listkeeper.deliverability.gate import Gate
from listkeeper.foundation import language
from listkeeper.foundation.errors import Conflict, ListkeeperError
from listkeeper.sending import planning


def order(  # noqa: PLR0913 - which letter, and the settings of this instance
    session: Session, number: int, *, site: str, practice: bool, gate: Gate, hold: timedelta
) -> bool:
    """Order a letter that a feed made; False when somebody has taken it in hand since.

    Raises one of the five errors when it cannot leave; then ``keep_back`` in another transaction.
    """
    letter = session.get(Campaign, number)
    if letter is None:
        return False
    campaigns.lock(session, letter)
    if letter.state is not CampaignState.DRAFT or letter.version > 1:
        return False
    organisation = session.get_one(Organisation, letter.organisation_id)
    with language.using(organisation.language):
        found = preflight.inspect(session, letter, site=site, practice=practice, gate=gate).findings
        blocking = next((row for row in found if row.severity is Severity.BLOCK), None)
        if blocking is not None:
            raise Conflict("not_ready", blocking.message)
        domain_gate.demand_known(found, gate, accepted=False)
        letter.stance = letter.stance or Stance.NEWS.value
        leaves = Leaving(hold=hold) if hold else AT_ONCE
        planning.send_campaign(session, organisation, letter, site=site, practice=practice, leaves=leaves)
    return True


def keep_back(session: Session, number: int, problem: ListkeeperError) -> None:
    """Write on a letter why it did not leave; one that somebody has taken in hand is left alone."""
    letter = session.get(Campaign, number)
    if letter is not None and letter.state is CampaignState.DRAFT and letter.version == 1:
        letter.halted = {"code": problem.code, "words": problem.message}


def came_late(session: Session, number: int) -> None:
    """Write on a letter that its hour was over when the feed was looked at, so that its owner decides."""
    letter = session.get_one(Campaign, number)
    with language.using(session.get_one(Organisation, letter.organisation_id).language):
        sentence = language.text("Nothing was at work here at its hour. Look at it, then send it.")
    keep_back(session, number, Conflict("late", sentence))
