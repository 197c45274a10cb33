"""Trials of two versions: looked at once when their time is over, and the rows of the others written in slices."""

from __future__ import annotations

from listkeeper import store
from listkeeper.accounts import audit_log
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.trial import TrialState
from listkeeper.feedback import trial_figures
from listkeeper.foundation import log
from listkeeper.sending.trying import trial

_ACTOR = "clock"
# Of how many rows at most one round writes the version; the next round goes on.
_SLICES = 60
_ACTS = {
    TrialState.ASKS: "campaign.trial_asked",
    TrialState.DECIDED: "campaign.trial_decided",
    TrialState.RELEASED: "campaign.trial_decided",
}
_log = log.get(__name__)


def look_around() -> None:
    """Look at every trial whose time is over, and let the others go where it is known what they get."""
    with store.reading() as session:
        due = trial.due(session)
    for number in due:
        _look(number)
        _go_on(number)


def _look(number: int) -> None:
    with store.transaction() as session:
        if not trial.is_over(session, session.get_one(Campaign, number)):
            return
    with store.reading() as session:
        figures = trial_figures.of_arms(session, session.get_one(Campaign, number))
    with store.transaction() as session:
        letter = session.get_one(Campaign, number)
        happened = trial.look(session, letter, figures)
        if happened is not None:
            audit_log.record(session, letter.organisation_id, _ACTOR, _ACTS[happened], letter.public_id)
            _log.info("trial.judged", campaign=number, becomes=happened.value)


def _go_on(number: int) -> None:
    for _slice in range(_SLICES):
        with store.transaction() as session:
            if not trial.go_on(session, session.get_one(Campaign, number)):
                return
