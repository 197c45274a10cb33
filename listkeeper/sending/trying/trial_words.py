"""What is said of a trial: what is tried, what came so far, and what was proven, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.revision import Revision
from listkeeper.campaigns.trial import Arm, Figures, Measure, Rule, Trial, TrialState
from listkeeper.foundation import clock, language
from listkeeper.sending.trying import trial_size

_MINUTES_AN_HOUR = 60
_UNDER_WAY = frozenset({TrialState.WAITING, TrialState.ASKS, TrialState.DECIDED})


def subjects(session: Session, trial: Trial) -> dict[Arm, str]:
    """Return the subject of each version."""
    wanted = {arm: trial.revision_of(arm) for arm in Arm}
    query = select(Revision.id, Revision.subject).where(Revision.id.in_(wanted.values()))
    known: dict[int, str] = {row[0]: row[1] for row in session.execute(query)}
    return {arm: known.get(number, "") for arm, number in wanted.items()}


def now(campaign: Campaign, zone: str) -> str:
    """Say what happens now with a trial under way; nothing where none is."""
    trial = trials.of(campaign)
    if trial is None or trial.state not in _UNDER_WAY or campaign.state is not CampaignState.SENDING:
        return ""
    tried = language.counted(
        "Two versions are tried: each goes to %(number)s person.",
        "Two versions are tried: each goes to %(number)s people.",
        trial.each,
    )
    match trial.state:
        case TrialState.ASKS:
            return f"{tried} {language.text('The result is in: the others wait for your word.')}"
        case TrialState.DECIDED:
            return f"{tried} {language.text('The others get theirs in a moment.')}"
        case _:
            return f"{tried} {_looked_at(trial, zone)}"


def _looked_at(trial: Trial, zone: str) -> str:
    if trial.results_at is None:
        return _looked_at_after(trial.wait_minutes)
    if trial.results_at <= clock.now():
        return language.text("The result is looked at in a moment.")
    when = language.appointment(trial.results_at, zone)
    return language.text("The result is looked at once, at this time: %(when)s.", when=when)


def _looked_at_after(minutes: int) -> str:
    if minutes % _MINUTES_AN_HOUR:
        return language.counted(
            "The result is looked at once, %(number)s minute after most of them have left.",
            "The result is looked at once, %(number)s minutes after most of them have left.",
            minutes,
        )
    return language.counted(
        "The result is looked at once, %(number)s hour after most of them have left.",
        "The result is looked at once, %(number)s hours after most of them have left.",
        minutes // _MINUTES_AN_HOUR,
    )


def came(trial: Trial, figures: Figures) -> str:
    """Say what came of one version, in numbers."""
    if trial.measure is Measure.CLICKS:
        return language.counted(
            "Of %(number)s mail whose clicks are counted, %(acted)s led to a click: %(share)s.",
            "Of %(number)s mails whose clicks are counted, %(acted)s led to a click: %(share)s.",
            figures.mails,
            acted=figures.acted,
            share=language.share(figures.share),
        )
    return language.counted(
        "Of %(number)s mail that arrived, %(acted)s got a reply: %(share)s.",
        "Of %(number)s mails that arrived, %(acted)s got a reply: %(share)s.",
        figures.mails,
        acted=figures.acted,
        share=language.share(figures.share),
    )


def verdict(trial: Trial) -> str:
    """Say what the one look proved; before it, that it is too early."""
    if trial.a is None or trial.b is None or trial.p is None:
        return language.text("It is too early to say which is better: the numbers still move.")
    if trial.winner is not None:
        return language.text(
            "Version %(version)s is better: chance alone makes such a difference in at most %(share)s of trials.",
            version=trial.winner.value.upper(),
            share=language.share(max(1, ceil(trial.p * 1000))),
        )
    if not trial.a.mails or not trial.b.mails:
        return language.text("Nothing is known of one of the versions, so nothing can be said.")
    return language.text(
        "No difference found. A difference of less than %(points)s points cannot be seen with so few people.",
        points=_points(trial),
    )


def _points(trial: Trial) -> str:
    """Return what so many could have shown; where that is nothing, all of it."""
    fewest = min(trial.a.mails if trial.a else 0, trial.b.mails if trial.b else 0)
    return trial_size.points(trials.found_difference(trial, fewest) or 1000 - trial.expected)


def rest(trial: Trial) -> str:
    """Say what the others get, or will get."""
    if trial.state in {TrialState.DECIDED, TrialState.RELEASED}:
        if trial.chosen is None:
            return language.text("Everybody was part of the trial.")
        return language.text("The others get version %(version)s.", version=trial.chosen.value.upper())
    return rule(trial.rule)


def rule(chosen: Rule) -> str:
    """Say what the others will get by a rule."""
    return {
        Rule.A: language.text("The others get version A, whatever comes."),
        Rule.B: language.text("The others get version B, whatever comes."),
        Rule.WINNER: language.text("The others get the better one; where no difference is found, version A."),
        Rule.ASK: language.text("The others wait until you have chosen."),
    }[chosen]


def lines(trial: Trial, figures: Mapping[Arm, Figures]) -> list[str]:
    """Return everything that is to be said of a trial, a sentence each; ``figures`` are the numbers as they are now."""
    if trial.state is TrialState.PLANNED:
        return [rule(trial.rule)]
    known = {Arm.A: trial.a, Arm.B: trial.b}
    counted = {each: known[each] or figures.get(each) for each in Arm}
    told = [f"{each.value.upper()}: {came(trial, found)}" for each, found in counted.items() if found is not None]
    return [*told, verdict(trial), rest(trial)]
