"""Two versions on the send page: what was typed, how many people it takes, and what cannot tell anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from flask import request
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.trial import Measure, Order, Rule, Trial, Words
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.sending.pilot import Pilot
from listkeeper.sending.trying import trial_order, trial_size, trial_words
from listkeeper.web.studio import typed_number, underway

_MOST = 1_000_000
_Kind = TypeVar("_Kind", Measure, Rule)


@dataclass(frozen=True)
class Offer:
    """What the page says of a trial: the drafts that can be B, its rules, and what it comes to."""

    drafts: list[tuple[str, str]]
    rules: list[tuple[str, str]]
    measure: str
    # Whether any trial at all can be made on this list; and what the one that was typed comes to.
    possible: bool
    says: str


def tested() -> Pilot | Order | None:
    """Return the test that this form asks for, of either kind. Raises Invalid for both."""
    if request.form.get("trial") and request.form.get("test"):
        raise Invalid("pilot_or_trial", language.text("Choose a few first, or two versions. Nothing was sent."))
    return _order() or underway.test()


def _order() -> Order | None:
    typed = request.form
    if not typed.get("trial"):
        return None
    letter, _colon, seen = typed.get("trial_letter", "").partition(":")
    return Order(_plan(), Words(typed.get("trial_subject", ""), typed.get("trial_preheader", ""), letter), seen or None)


def _plan() -> Trial:
    """Return the plan that was typed; what was left empty is as usual."""
    hours, expected, difference, each = (
        _number(f"trial_{name}") for name in ("hours", "expected", "difference", "each")
    )
    return trials.plan(
        measure=_one_of(Measure, "trial_measure", Measure.CLICKS),
        rule=_one_of(Rule, "trial_rule", Rule.WINNER),
        wait=timedelta(hours=float(hours)) if hours is not None else trials.USUAL_WAIT,
        expected=typed_number.thousandths(expected),
        difference=trials.USUAL_DIFFERENCE if difference is None else typed_number.thousandths(difference) or 0,
        each=int(each) if each is not None else None,
    )


def _one_of(kind: type[_Kind], name: str, usual: _Kind) -> _Kind:
    typed = request.form.get(name, "")
    try:
        return kind(typed) if typed else usual
    except ValueError:
        raise Invalid("trial_choice", language.text("Please choose what is offered. Nothing was sent.")) from None


def _number(name: str) -> Decimal | None:
    return typed_number.of_field(name, most=_MOST, code="trial_number")


def offer(session: Session, letter: Campaign, planned: int) -> Offer:
    """Return what the page offers for a letter that would go to ``planned`` people."""
    owner = organisation.only_one(session)
    drafts = []
    for each in trial_order.offered(session, owner, letter):
        words = campaigns.newest(session, each)
        drafts.append((f"{each.public_id}:{words.draft.tidied().sha256}", words.subject))
    plan = _typed_plan(session, letter, planned)
    size = trial_size.of(session, letter.mailing_list, plan, planned)
    says = trial_size.sentence(plan, size) if size.fits else trial_size.too_small(plan, size)
    by_replies = trials.found_difference(trials.plan(measure=Measure.REPLIES, rule=Rule.A), planned // 2)
    return Offer(
        drafts, [(rule.value, trial_words.rule(rule)) for rule in _RULES], plan.measure.value,
        by_replies is not None, says,
    )  # fmt: skip


_RULES = (Rule.WINNER, Rule.ASK, Rule.A, Rule.B)


def _typed_plan(session: Session, letter: Campaign, planned: int) -> Trial:
    """Return what was typed; where nothing was, or nothing that can be, the usual one: by clicks if they are known."""
    if "trial_measure" in request.form:
        try:
            return _plan()
        except Invalid:
            pass
    usual = trials.plan(measure=Measure.CLICKS, rule=Rule.WINNER)
    if trial_size.of(session, letter.mailing_list, usual, planned).fits:
        return usual
    return trials.plan(measure=Measure.REPLIES, rule=Rule.WINNER)
