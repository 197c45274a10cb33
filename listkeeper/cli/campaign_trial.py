"""``listkeeper campaign send --trial-…`` and ``campaign choose``: two versions of a letter, and what the others get."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import isfinite
from typing import Any

import click
from sqlalchemy.orm import Session

from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.stance import Stance
from listkeeper.campaigns.trial import Arm, Measure, Order, Rule, Words
from listkeeper.cli.campaign_steer import steered
from listkeeper.cli.context import emit, with_json, with_settings
from listkeeper.feedback import trial_figures
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.trying import trial, trial_words
from listkeeper.settings import Settings

_WORDS = ("trial_subject", "trial_preheader", "trial_letter")
_REST = ("trial_measure", "trial_wait", "trial_rule", "trial_each", "trial_expect", "trial_difference")
_RULES = click.Choice([each.value for each in Rule])
_MEASURES = click.Choice([each.value for each in Measure])


def with_trial(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a trial of two versions, and of what the letter is."""
    options = (
        click.option("--stance", type=click.Choice([each.value for each in Stance]), help="What the letter is."),
        click.option("--below-floor", is_flag=True, help="Send an ask though it takes the list below its floor."),
        click.option("--trial-subject", help="Try two versions: the subject of the other one."),
        click.option("--trial-preheader", help="And its preview line, if that is another one too."),
        click.option("--trial-letter", metavar="ID", help="Try two versions: another draft to the same list."),
        click.option("--trial-measure", type=_MEASURES, help="What is counted: clicks (usual) or replies."),
        click.option("--trial-wait", type=int, metavar="MINUTES", help="How long after most left it is looked at."),
        click.option("--trial-rule", type=_RULES, help="What the others get: winner (usual), a, b, or ask."),
        click.option("--trial-each", type=int, metavar="N", help="How many get each; else as many as it takes."),
        click.option("--trial-expect", type=float, metavar="PERCENT", help="How many act, about."),
        click.option("--trial-difference", type=float, metavar="POINTS", help="The least difference worth knowing."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def order_of(how: dict[str, Any]) -> Order | None:
    """Return the trial that was asked for, if one was. Raises Invalid."""
    if all(how[name] is None for name in _WORDS):
        if any(how[name] is not None for name in _REST):
            raise Invalid("trial_of_what", "Say what is tried: --trial-subject or --trial-letter. Nothing was sent.")
        return None
    if how["share"] is not None:
        raise Invalid("pilot_or_trial", "Choose --pilot or a trial of two versions. Nothing was sent.")
    minutes = how["trial_wait"]
    try:
        wait = timedelta(minutes=minutes) if minutes is not None else trials.USUAL_WAIT
    except OverflowError:
        wait = trials.LONGEST * 2
    difference = _thousandths(how["trial_difference"])
    plan = trials.plan(
        measure=Measure(how["trial_measure"] or Measure.CLICKS),
        rule=Rule(how["trial_rule"] or Rule.WINNER),
        wait=wait,
        expected=_thousandths(how["trial_expect"]),
        difference=trials.USUAL_DIFFERENCE if difference is None else difference,
        each=how["trial_each"],
    )
    subject, preheader, letter = (how[name] or "" for name in _WORDS)
    return Order(plan, Words(subject, preheader, letter))


def _thousandths(percent: float | None) -> int | None:
    if percent is None:
        return None
    if not isfinite(percent):
        raise Invalid("trial_number", "Write numbers such as 5 or 1.5. Nothing was sent.")
    return round(percent * 10)


def lines(session: Session, campaign: Campaign) -> list[str]:
    """Return what is to be said of a trial; nothing of a campaign without one."""
    found = trials.of(campaign)
    return trial_words.lines(found, trial_figures.of_arms(session, campaign)) if found is not None else []


@click.command()
@with_settings
@with_json
@click.argument("campaign_id", metavar="ID")
@click.option(
    "--version", "wanted", type=click.Choice([each.value for each in Arm]), required=True, help="What the others get."
)
def choose(settings: Settings, *, campaign_id: str, wanted: str, as_json: bool) -> None:
    """Let the others have version a or b of a campaign on trial, whatever came back so far."""

    def act(session: Session, campaign: Campaign) -> dict[str, Any]:
        trial.choose(session, campaign, Arm(wanted))
        return {"trial": trials.told(campaign)}

    answer = steered(settings, campaign_id, "campaign.trial_chosen", act)
    emit(answer, as_json=as_json, lines=[f"Chosen: the others get version {wanted.upper()}."])
