"""A trial of two versions on the page of a letter under way: the two, their numbers, and what is proven."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.trial import Arm, TrialState
from listkeeper.feedback import trial_figures
from listkeeper.sending.trying import trial_words

_CHOOSABLE = frozenset({TrialState.WAITING, TrialState.ASKS})
_UNDER_WAY = frozenset({CampaignState.SENDING, CampaignState.PAUSED})


@dataclass(frozen=True)
class Version:
    """One of the two: its letter, what stands in its subject, what came of it, and whether it is the better one."""

    name: str
    subject: str
    came: str
    wins: bool


@dataclass(frozen=True)
class Shown:
    """What the page says of a trial."""

    versions: list[Version]
    verdict: str
    rest: str
    may_choose: bool
    proven: bool


def shown(session: Session, letter: Campaign) -> Shown | None:
    """Return what the page shows; None for a letter without a trial."""
    trial = trials.of(letter)
    if trial is None:
        return None
    begun = trial.state is not TrialState.PLANNED
    figures = {Arm.A: trial.a, Arm.B: trial.b}
    if begun and trial.a is None:
        figures |= trial_figures.of_arms(session, letter)
    subjects = trial_words.subjects(session, trial)
    versions = [
        Version(
            arm.value.upper(),
            subjects[arm],
            trial_words.came(trial, found) if begun and found is not None else "",
            trial.winner is arm,
        )
        for arm, found in figures.items()
    ]
    return Shown(
        versions,
        trial_words.verdict(trial) if begun else "",
        trial_words.rest(trial),
        trial.state in _CHOOSABLE and letter.state in _UNDER_WAY,
        trial.winner is not None,
    )
