"""When a letter stops by itself: too many addresses that do not exist, too many complaints; and what warns before that.

The thresholds are published in README. Who overrules one goes on, and is not
asked for the same reason again by the same letter. What nobody counts is not
known, and never good: Gmail reports no complaints to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import suppression
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Suppression
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation.among import among
from listkeeper.sending import delivery, halt
from listkeeper.sending.delivery import SENT, Delivery, DeliveryState
from listkeeper.sending.halt import Figures, HaltCode

S = DeliveryState
# A letter is judged as if at least this many had an outcome, or all of a shorter one: a few bad addresses at the
# beginning say nothing yet.
FIRST = 500
# In thousandths, as all of these: of the outcomes, or of those who got it.
PERMANENT_WARNS, PERMANENT_STOPS = 20, 50
COMPLAINTS_WARN, COMPLAINTS_STOP = 1, 3
# Of those tried in a test of a few; what is put off there is put off by design of the receiver, not by chance.
DEFERRED_STOPS = 200
# However short the letter is, so many failures or complaints stop nothing.
FEW_FAILURES, FEW_COMPLAINTS = 5, 1


@dataclass(frozen=True)
class Measured:
    """What came back of a letter so far."""

    outcomes: int
    sent: int
    permanent: int
    complaints: int
    deferred: int


class Weight(StrEnum):
    """What a finding does."""

    WARNS = "warns"
    STOPS = "stops"


@dataclass(frozen=True)
class Finding:
    """One threshold that is passed."""

    weight: Weight
    figures: Figures


def measure(session: Session, campaign: Campaign, found: Mapping[DeliveryState, int] | None = None) -> Measured:
    """Count what came back of a letter; ``found`` are its counts, when somebody has them already."""
    found = found or delivery.counts(session, campaign.id)
    sent = sum(found[state] for state in SENT)
    permanent, outcomes = permanent_share(session, campaign.id, found)
    return Measured(outcomes, sent, permanent, _complaints(session, campaign), found[S.DEFERRED])


def permanent_share(session: Session, campaign_id: int, found: Mapping[DeliveryState, int]) -> tuple[int, int]:
    """Return how many addresses of a letter do not exist, as their servers said for good, and of how many outcomes."""
    outcomes = sum(found[state] for state in SENT) + found[S.FAILED]
    # What came back may be about the sender, or a full mailbox, as what failed may.
    ended = [state for state in (S.FAILED, S.BOUNCED) if found[state]]
    if not ended:
        return 0, outcomes
    query = select(func.count()).where(
        Delivery.campaign_id == campaign_id, Delivery.state.in_(ended), delivery.is_about_the_person()
    )
    return session.scalar(query) or 0, outcomes


def _complaints(session: Session, campaign: Campaign) -> int:
    """Return how many who got this letter have called our mail spam since it began."""
    by_key = (Subscriber.organisation_id == Suppression.organisation_id) & (
        Subscriber.suppression_key == Suppression.key
    )
    people = (
        select(Subscriber.id)
        .select_from(Suppression)
        .join(Subscriber, by_key)
        .where(
            suppression.IS_COMPLAINT,
            Suppression.created_at >= campaign.started_at,
            # What a file of another tool says is about letters of that tool.
            ~Suppression.actor.startswith("import:"),
        )
    )
    # These few first: asked in one, SQLite would look for a complaint of each who got the letter.
    if not (complained := sorted(set(session.scalars(people)))):
        return 0
    got_it = among(Delivery.subscriber_id, "people"), Delivery.campaign_id == campaign.id, Delivery.state.in_(SENT)
    return session.scalar(select(func.count()).select_from(Delivery).where(*got_it), {"people": complained}) or 0


def judge(measured: Measured, recipients: int) -> list[Finding]:
    """Return the thresholds that are passed, each at its worst."""
    permanent = _judged(
        HaltCode.PERMANENT, measured.permanent, max(measured.outcomes, min(FIRST, recipients)),
        (PERMANENT_WARNS, PERMANENT_STOPS), FEW_FAILURES,
    )  # fmt: skip
    complaints = _judged(
        HaltCode.COMPLAINTS, measured.complaints, max(measured.sent, min(FIRST, recipients)),
        (COMPLAINTS_WARN, COMPLAINTS_STOP), FEW_COMPLAINTS,
    )  # fmt: skip
    return [each for each in (permanent, complaints) if each is not None]


def _judged(code: HaltCode, number: int, of: int, limits: tuple[int, int], few: int) -> Finding | None:
    warns, stops = limits
    reached = number * 1000 / max(of, 1)
    # "More than 5 %" of addresses, but complaints "from 0.3 %" on: as the receivers publish them.
    passes = reached.__ge__ if code is HaltCode.COMPLAINTS else reached.__gt__
    if number > few and passes(stops):
        return Finding(Weight.STOPS, Figures(code, number, of, stops))
    return Finding(Weight.WARNS, Figures(code, number, of, warns)) if passes(warns) and number else None


def passed(session: Session, campaign: Campaign, found: Mapping[DeliveryState, int] | None = None) -> Figures | None:
    """Return the threshold that a letter passes and that nobody overruled, if any."""
    return _passed(campaign, measure(session, campaign, found))


def _passed(campaign: Campaign, measured: Measured) -> Figures | None:
    over = set(campaign.overruled or ())
    stops = (each.figures for each in judge(measured, campaign.recipients) if each.weight is Weight.STOPS)
    return next((figures for figures in stops if figures.code.value not in over), None)


def standing(session: Session, campaign: Campaign) -> tuple[Figures | None, int]:
    """Return the threshold that a letter passes, if any, and its ``room``."""
    measured = measure(session, campaign)
    return _passed(campaign, measured), room(campaign, measured)


def room(campaign: Campaign, measured: Measured) -> int:
    """Return after how many more refusals for good a letter may pass the threshold of these, at the soonest.

    What is taken meanwhile only makes their share smaller.
    """
    if HaltCode.PERMANENT.value in (campaign.overruled or ()):
        return campaign.recipients + 1
    judged_of = max(measured.outcomes, min(FIRST, campaign.recipients))
    return max(1, max(PERMANENT_STOPS * judged_of // 1000, FEW_FAILURES) + 1 - measured.permanent)


def stop_for(session: Session, campaign: Campaign, figures: Figures) -> Figures | None:
    """Pause a letter for a reason; None when it is not under way any more."""
    campaigns.lock(session, campaign)
    if campaign.state is not CampaignState.SENDING:
        return None
    campaigns.move(campaign, CampaignState.PAUSED)
    campaign.halted = figures.as_json()
    return figures


def warnings(session: Session, campaign: Campaign, found: Mapping[DeliveryState, int]) -> tuple[str, ...]:
    """Return what should be looked at before it stops the letter, in words."""
    if campaign.started_at is None:
        return ()
    passed = judge(measure(session, campaign, found), campaign.recipients)
    return tuple(halt.warning(each.figures) for each in passed)
