"""A trial of two versions of a letter: what its owner ordered, and what came of it.

Version A is the letter itself, version B differs in its subject, or is another
letter. Each goes to as many people, chosen by chance; once, when the time is
over, it is looked at what they did, and the others get what the owner's rule
says. How that happens is ``sending.trial``; what is proven, ``trial_statistics``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from listkeeper.campaigns import trial_statistics
from listkeeper.campaigns.campaign import Campaign
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=7)
USUAL_WAIT = timedelta(hours=4)
# In thousandths: what is expected of a letter nobody says anything of, and what of a difference is worth knowing.
USUAL_DIFFERENCE = 20
# Below these nobody would believe the numbers, whatever their test says.
LEAST_EACH = 10
_ALL = 1000
_INTERNAL = frozenset({"revision_a", "revision_b", "moved_to"})


class Arm(StrEnum):
    """The two versions."""

    A = "a"
    B = "b"


class Measure(StrEnum):
    """What is counted: people who followed a link, or people who wrote back."""

    CLICKS = "clicks"
    REPLIES = "replies"


USUAL_RATE = {Measure.CLICKS: 50, Measure.REPLIES: 10}


class Rule(StrEnum):
    """What the others get: one version whatever comes, the winner (A where there is none), or what the owner says."""

    A = "a"
    B = "b"
    WINNER = "winner"
    ASK = "ask"


class TrialState(StrEnum):
    """``asks`` waits for the owner's word; ``decided`` knows what the others get, and writes it on their rows."""

    PLANNED = "planned"
    WAITING = "waiting"
    ASKS = "asks"
    DECIDED = "decided"
    RELEASED = "released"


@dataclass(frozen=True)
class Figures:
    """Of how many mails it is known what came of them, and how many of their readers acted."""

    mails: int
    acted: int

    @property
    def share(self) -> int:
        """The share of those who acted, in thousandths; 0 where nothing is known."""
        return round(_ALL * self.acted / self.mails) if self.mails else 0


@dataclass(frozen=True)
class Trial:
    """One trial; rates and differences in thousandths.

    ``wanted_each`` is how many its owner wants each version to reach, if that was said; ``each`` how many got each.
    ``results_at`` is when the one look is due: ``wait_minutes`` after most of both had left, and None before that.
    ``p`` is what it came to, and ``chosen`` what the others get. ``moved_to`` is how far their rows are done.
    """

    measure: Measure
    rule: Rule
    wait_minutes: int
    expected: int
    difference: int
    wanted_each: int | None = None
    state: TrialState = TrialState.PLANNED
    each: int = 0
    revision_a: int = 0
    revision_b: int = 0
    results_at: datetime | None = None
    a: Figures | None = None
    b: Figures | None = None
    p: float | None = None
    winner: Arm | None = None
    chosen: Arm | None = None
    moved_to: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Trial:
        """Read what ``as_json`` made."""
        values = dict(stored)
        for name, kind in {"measure": Measure, "rule": Rule, "state": TrialState, "winner": Arm, "chosen": Arm}.items():
            values[name] = kind(values[name]) if values[name] is not None else None
        for name in ("a", "b"):
            values[name] = Figures(**values[name]) if values[name] is not None else None
        at = values["results_at"]
        values["results_at"] = datetime.fromisoformat(at) if at else None
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Return the trial as it is stored and told."""
        values = asdict(self)
        values["results_at"] = clock.as_text(self.results_at) if self.results_at else None
        return {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}

    def revision_of(self, arm: Arm) -> int:
        """Return the number of a version's words."""
        return self.revision_a if arm is Arm.A else self.revision_b


@dataclass(frozen=True)
class Words:
    """What version B says: another subject (and preview line), or all of another draft of the same list, by its id."""

    subject: str = ""
    preheader: str = ""
    letter: str = ""


@dataclass(frozen=True)
class Order:
    """A trial as it is ordered: its plan, the words of B, and the SHA-256 of those words as they were seen."""

    trial: Trial
    words: Words
    seen: str | None = None


def plan(  # noqa: PLR0913 - one of each
    *,
    measure: Measure,
    rule: Rule,
    wait: timedelta = USUAL_WAIT,
    expected: int | None = None,
    difference: int = USUAL_DIFFERENCE,
    each: int | None = None,
) -> Trial:
    """Return a trial as its owner ordered it. Raises Invalid for one that cannot tell anything."""
    if not SHORTEST <= wait <= LONGEST:
        raise Invalid("trial_wait", language.text("A trial waits from a minute to seven days. Nothing was sent."))
    rate = USUAL_RATE[measure] if expected is None else expected
    if not 0 <= rate < _ALL:
        raise Invalid("trial_expected", language.text("What you expect is a share from 0 to 99 %. Nothing was sent."))
    if not 0 < difference <= _ALL - rate:
        raise Invalid(
            "trial_difference",
            language.text("The difference is at least 0.1 points, and not more than is left. Nothing was sent."),
        )
    if each is not None and each < LEAST_EACH:
        raise Invalid(
            "trial_each",
            language.text("Each version goes to at least %(number)s people. Nothing was sent.", number=LEAST_EACH),
        )
    return Trial(measure, rule, round(wait / timedelta(minutes=1)), rate, difference, each)


def of(campaign: Campaign) -> Trial | None:
    """Return the trial of a letter, if one was ordered."""
    return Trial.of(campaign.trial) if campaign.trial is not None else None


def told(campaign: Campaign) -> dict[str, Any] | None:
    """Return the trial of a letter as programs read it; None without one."""
    trial = of(campaign)
    if trial is None:
        return None
    return {name: value for name, value in trial.as_json().items() if name not in _INTERNAL}


def needed(trial: Trial) -> int:
    """Return how many people of whom it is known what they did each version needs."""
    if trial.wanted_each is not None:
        return trial.wanted_each
    return max(LEAST_EACH, trial_statistics.people_each(trial.expected, trial.difference))


def found_difference(trial: Trial, each: int) -> int | None:
    """Return the least difference that so many people each can show, in thousandths; None: none at all."""
    return trial_statistics.least_difference(trial.expected, each)


def rule_says(rule: Rule, winner: Arm | None) -> Arm | None:
    """Return what the others get; None: its owner is asked."""
    match rule:
        case Rule.A:
            return Arm.A
        case Rule.B:
            return Arm.B
        case Rule.WINNER:
            return winner or Arm.A
        case Rule.ASK:
            return None


def winner_of(a: Figures, b: Figures) -> tuple[Arm | None, float]:
    """Return the version that the numbers prove to be better, if they do, and how likely chance alone is."""
    p = trial_statistics.exact_p(a.acted, a.mails, b.acted, b.mails)
    if p >= trial_statistics.SIGNIFICANT:
        return None, p
    return (Arm.A if a.acted * b.mails > b.acted * a.mails else Arm.B), p


def bound_revisions(campaign: Campaign) -> frozenset[int]:
    """Return the numbers of the revisions that mails of a letter were made of: they stay as they went."""
    trial = of(campaign)
    versions = {trial.revision_a, trial.revision_b} if trial is not None else set()
    return frozenset({campaign.sent_revision_id or 0} | versions) - {0}
