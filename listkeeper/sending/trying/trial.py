"""Two versions of a letter, tried on people chosen by chance: who gets which, the one look, and what the others get.

Everybody has one delivery of a letter, so nobody can get both versions; which
one it is, is the revision that the row names. Those of the trial are wave 0,
half of them A and half B, alike in each mail domain. The others wait in wave
1. What came back is counted above (``feedback``) and handed in as numbers; it
is judged once, when the time that was ordered is over (``trial_time``). The
rows of the others are then given their version in slices, and only then may
they leave: killed in between, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import link
from listkeeper.campaigns import revision as revisions
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.trial import Arm, Figures, Trial, TrialState
from listkeeper.foundation import clock, language, outbox
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import pilot
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.trying import trial_size, trial_time

T = TrialState
_FIRST, _ALL = 0, 1
# How many rows of the others are given their version in one transaction.
SLICE = 20_000
# A letter whose trial had everybody is at its end before it is looked at.
_LOOKED_AT = (CampaignState.SENDING, CampaignState.FINISHED)


def begin(session: Session, campaign: Campaign) -> None:
    """Choose who gets A and who gets B among the deliveries that were just planned, and let only them leave."""
    trial = trials.of(campaign)
    if trial is None:
        return
    size = trial_size.demand(session, campaign.mailing_list, trial, campaign.recipients)
    pilot.choose_first(session, campaign, 2 * size.each)
    _split(session, campaign, trial)
    link.keep(session, trial.revision_b, revisions.frozen(session.get_one(Revision, trial.revision_b)).links)
    _note(campaign, replace(trial, state=T.WAITING, each=size.each))
    campaign.waves_open = _FIRST


def _split(session: Session, campaign: Campaign, trial: Trial) -> None:
    """Give one of every two neighbours of a mail domain version B, by the toss of a coin."""
    place = func.row_number().over(order_by=(pilot.mail_domain(session), func.random()))
    neighbours = (
        select(Delivery.id, ((place - 1) // 2).label("pair"))
        .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.campaign_id == campaign.id, Delivery.wave == _FIRST)
        .subquery()
    )
    tossed = func.row_number().over(partition_by=neighbours.c.pair, order_by=func.random())
    turns = select(neighbours.c.id, tossed.label("turn")).subquery()
    given = update(Delivery).where(Delivery.id.in_(select(turns.c.id).where(turns.c.turn == 1)))
    session.execute(given.values(revision_id=trial.revision_b).execution_options(synchronize_session=False))


def due(session: Session) -> list[int]:
    """Return the numbers of the letters whose trial has something to do now: a moment to be noted, a look, or rows."""
    query = select(Campaign).where(Campaign.state.in_(_LOOKED_AT), Campaign.trial.is_not(None)).order_by(Campaign.id)
    return [each.id for each in session.scalars(query) if _has_work(session, each)]


def _has_work(session: Session, campaign: Campaign) -> bool:
    trial = trials.of(campaign)
    if trial is None or trial.state is not T.WAITING:
        return trial is not None and trial.state is T.DECIDED
    left = trial_time.most_have_left(session, campaign, trial)
    return left if trial.results_at is None else not left or trial.results_at <= clock.now()


def is_over(session: Session, campaign: Campaign) -> bool:
    """Return whether the time has come for the one look, and note on the trial when that is, as far as it is known."""
    trial = trials.of(campaign)
    if trial is None or trial.state is not T.WAITING:
        return False
    campaigns.lock(session, campaign)
    trial = trials.of(campaign)
    if trial is None or trial.state is not T.WAITING or campaign.state not in _LOOKED_AT:
        return False
    at = trial_time.results_at(session, campaign, trial)
    if at != trial.results_at:
        _note(campaign, replace(trial, results_at=at))
    return at is not None and at <= clock.now()


def asks(campaign: Campaign) -> bool:
    """Return whether both versions were tried, and the others wait for the owner's word."""
    trial = trials.of(campaign)
    return trial is not None and trial.state is T.ASKS


def look(session: Session, campaign: Campaign, figures: Mapping[Arm, Figures]) -> TrialState | None:
    """Judge what came of both versions, once, and decide by the owner's rule; return the new state when it changed."""
    if not is_over(session, campaign) or (trial := trials.of(campaign)) is None:
        return None
    a, b = figures[Arm.A], figures[Arm.B]
    winner, p = trials.winner_of(a, b)
    judged = replace(trial, a=a, b=b, p=p, winner=winner)
    chosen = trials.rule_says(trial.rule, winner)
    if not _rest(session, campaign):
        # There is nobody left whom the answer could still serve; the next letter is.
        _note(campaign, replace(judged, state=T.RELEASED))
        campaign.waves_open = _ALL
        return T.RELEASED
    if chosen is None:
        _note(campaign, replace(judged, state=T.ASKS))
        return T.ASKS
    return _decide(campaign, judged, chosen)


def _rest(session: Session, campaign: Campaign) -> bool:
    query = select(Delivery.id).where(Delivery.campaign_id == campaign.id, Delivery.wave == _ALL)
    return session.scalar(query.limit(1)) is not None


def _decide(campaign: Campaign, trial: Trial, chosen: Arm) -> TrialState:
    _note(campaign, replace(trial, state=T.DECIDED, chosen=chosen, moved_to=0))
    # What nearly everybody gets is what the archive shows.
    campaign.sent_revision_id = trial.revision_of(chosen)
    return T.DECIDED


def choose(session: Session, campaign: Campaign, arm: Arm) -> None:
    """Let the others have one version: their owner says so, before the look or after. Raises Conflict otherwise."""
    campaigns.lock(session, campaign)
    trial = trials.of(campaign)
    under_way = campaign.state in {CampaignState.SENDING, CampaignState.PAUSED}
    if trial is None or not under_way or trial.state not in {T.WAITING, T.ASKS}:
        raise Conflict("no_trial", language.text("Nothing of this letter waits for a trial. Nothing was changed."))
    _decide(campaign, trial, arm)


def go_on(session: Session, campaign: Campaign, size: int = SLICE) -> bool:
    """Give the next slice of the others their version, and let them leave after the last; return whether more is left.

    A letter that stands still meanwhile is left as it is.
    """
    campaigns.lock(session, campaign)
    trial = trials.of(campaign)
    if trial is None or trial.state is not T.DECIDED or trial.chosen is None or campaign.state not in _LOOKED_AT:
        return False
    last = _write(session, campaign, trial, size) if trial.chosen is Arm.B else None
    if last is not None:
        _note(campaign, replace(trial, moved_to=last))
        return True
    _note(campaign, replace(trial, state=T.RELEASED))
    campaign.waves_open = _ALL
    outbox.write(session, campaigns.STARTED, campaign.id, Lane.SENDING)
    return False


def _write(session: Session, campaign: Campaign, trial: Trial, size: int) -> int | None:
    """Write the chosen version on the next rows that never left; return the last of them, None when there are none."""
    here = (Delivery.campaign_id == campaign.id, Delivery.wave == _ALL, Delivery.handed_at.is_(None))
    query = select(Delivery.id).where(*here, Delivery.id > trial.moved_to).order_by(Delivery.id)
    last = session.scalar(query.offset(size - 1).limit(1)) or session.scalar(
        query.with_only_columns(func.max(Delivery.id)).order_by(None)
    )
    if last is None:
        return None
    rows = update(Delivery).where(*here, Delivery.id > trial.moved_to, Delivery.id <= last)
    session.execute(rows.values(revision_id=trial.revision_b).execution_options(synchronize_session=False))
    return last


def _note(campaign: Campaign, trial: Trial) -> None:
    campaign.trial = trial.as_json()


def demand_size(session: Session, campaign: Campaign, people: int) -> None:
    """Raise Invalid when a trial that was ordered could tell nothing among so many people."""
    trial = trials.of(campaign)
    if trial is not None:
        trial_size.demand(session, campaign.mailing_list, trial, people)
