"""What is wrong with a line of letters, in words, before it is switched on: what is refused, and what to think of.

Two follow-ups must not drive each other round: where getting a letter of one is
what puts people into the segment that another begins with, an arrow leads from
the one to the other, and a circle of arrows is refused. Saying yes, buying and
a permission's end are acts and clocks of the world outside, so no arrow leads
to those: the renewal of a permission is no first yes, and begins nothing anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import assert_never

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import renewal
from listkeeper.audience.segments import segment
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_phrases import Slot
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import follow_up, follow_up_step, welcome
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import FollowUp, Trigger
from listkeeper.campaigns.follow_up_step import FollowUpStep, StepKind
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid
from listkeeper.rendering.document import ButtonBlock, Mode, TapsBlock

_TAP = re.compile(r"\{\{-?\s*links\.(fine|question|problem)\b")
_RENEW = re.compile(r"\{\{-?\s*links\.(renew|preferences)\b")
_OFFER_BESIDE_QUESTION = "N5"


def examine(session: Session, organisation: Organisation, found: FollowUp, *, site: str) -> list[Finding]:
    """Return what stands in the way of a line (BLOCK), and what its owner should think of (WARN)."""
    line = follow_up_step.steps(session, found)
    return [
        *_line(session, found, line),
        *(each for number, step in enumerate(line, 1) for each in _step(session, organisation, step, number, site)),
    ]


def demand_sound(session: Session, organisation: Organisation, found: FollowUp, *, site: str) -> None:
    """Raise Invalid with the first thing that stands in its way."""
    for finding in examine(session, organisation, found, site=site):
        if finding.severity is Severity.BLOCK:
            raise Invalid("not_ready", finding.message)


def demand_step_sound(session: Session, organisation: Organisation, step: FollowUpStep, *, site: str) -> None:
    """Raise Invalid with the first thing that stands in the way of one step's newest words."""
    number = follow_up_step.steps(session, step.follow_up).index(step) + 1
    for finding in _step(session, organisation, step, number, site):
        if finding.severity is Severity.BLOCK:
            raise Invalid("not_ready", finding.message)


def _blocked(code: str, what: str, sentence: str) -> Finding:
    return Finding(code, Severity.BLOCK, what, sentence)


def _warned(code: str, what: str, sentence: str) -> Finding:
    return Finding(code, Severity.WARN, what, sentence)


def _line(session: Session, found: FollowUp, line: Sequence[FollowUpStep]) -> Iterator[Finding]:
    if not line:
        yield _blocked("W1", "line", language.text("There is no step yet. Add a letter first."))
    if len(line) > follow_up_step.MOST_STEPS:
        yield _blocked("W2", "line", language.text("Five steps are the most. Take one out."))
    for first, second in pairwise(line):
        if first.wait_days == second.wait_days == 0:
            sentence = language.text("Two steps in a row wait for nothing, so both letters would come on one day.")
            yield _blocked("W3", second.public_id, sentence)
            break
    if circle := loop(session, found):
        sentence = language.text("These follow-ups would drive each other round: %(names)s.", names=", ".join(circle))
        yield _blocked("W4", "trigger", sentence)
    yield from _beginning(session, found, line)


def _beginning(session: Session, found: FollowUp, line: Sequence[FollowUpStep]) -> Iterator[Finding]:
    if found.trigger is Trigger.SEGMENT and _segment(session, found.segment_id) is None:
        yield _blocked("W5", "trigger", language.text("The segment that it begins with is gone. Choose another."))
    if found.trigger is Trigger.CONSENT_ENDS and not _ends(session, found):
        sentence = language.text("No permission on this list ends by itself, so there is nothing to renew.")
        yield _blocked("W6", "trigger", sentence)
    if found.trigger is Trigger.CONSENT_ENDS and sum(step.wait_days for step in line) >= (found.days_before or 0):
        sentence = language.text("The last letter would come after the permission has ended. Begin sooner.")
        yield _warned("W7", "trigger", sentence)
    if found.trigger is Trigger.SAID_YES and line and line[0].wait_days == 0 and _welcomes(session, found):
        sentence = language.text("The welcome letter goes out on that day too. Let the first step wait a day or more.")
        yield _warned("W8", line[0].public_id, sentence)


def _step(
    session: Session, organisation: Organisation, step: FollowUpStep, number: int, site: str
) -> Iterator[Finding]:
    for each in follow_up_step.faults(session, organisation, step, site=site):
        # Whoever asks how it is going has nothing to sell in the same breath: here that is no advice, but a rule.
        strict = each.code == _OFFER_BESIDE_QUESTION and step.kind is StepKind.HOW_IS_IT_GOING
        if strict or each.severity is Severity.BLOCK:
            sentence = language.text("Step %(number)s: %(sentence)s", number=number, sentence=each.message)
            yield replace(each, severity=Severity.BLOCK, message=sentence)
    if step.segment_id is not None and _segment(session, step.segment_id) is None:
        yield _blocked(
            "W9", step.public_id, language.text("Step %(number)s asks for a segment that is gone.", number=number)
        )
    if step.kind is StepKind.HOW_IS_IT_GOING:
        yield from _asks_how(session, step, number)
    if step.kind is StepKind.RENEWAL:
        yield from _renews(session, step, number)


def _asks_how(session: Session, step: FollowUpStep, number: int) -> Iterator[Finding]:
    draft = campaigns.newest(session, step.campaign).draft
    blocks = draft.blocks if draft.mode is Mode.BLOCKS else ()
    if not any(isinstance(block, TapsBlock) for block in blocks) and not _TAP.search(f"{draft.markdown}{draft.html}"):
        sentence = language.text("Step %(number)s asks how it is going, and has no answers to tap.", number=number)
        yield _blocked("W10", step.public_id, sentence)
    for block in blocks:
        if isinstance(block, ButtonBlock) and block.href.startswith(("http://", "https://")):
            sentence = language.text(
                "Step %(number)s asks how it is going, and has a button that leads away. Keep it for another letter.",
                number=number,
            )
            yield _blocked("W11", step.public_id, sentence)
            return


def _renews(session: Session, step: FollowUpStep, number: int) -> Iterator[Finding]:
    if step.follow_up.trigger is not Trigger.CONSENT_ENDS:
        sentence = language.text(
            "Step %(number)s asks to renew a permission. That belongs into a follow-up that begins before one ends.",
            number=number,
        )
        yield _blocked("W12", step.public_id, sentence)
    draft = campaigns.newest(session, step.campaign).draft
    written = "".join((draft.markdown, draft.html, *(block.model_dump_json() for block in draft.blocks)))
    if not _RENEW.search(written) and '"type":"renew' not in written:
        sentence = language.text(
            "Step %(number)s asks to renew a permission, and no link in it does so.", number=number
        )
        yield _blocked("W13", step.public_id, sentence)


def _ends(session: Session, found: FollowUp) -> bool:
    query = select(Subscription.id).where(
        Subscription.list_id == found.list_id,
        Subscription.state == SubscriptionState.CONFIRMED,
        Subscription.basis != Basis.NONE,
        renewal.ends(found.mailing_list).is_not(None),
    )
    return session.scalar(query.limit(1)) is not None


def _welcomes(session: Session, found: FollowUp) -> bool:
    query = select(func.count()).where(
        welcome.WelcomeLetter.list_id == found.list_id, welcome.WelcomeLetter.revision_id.is_not(None)
    )
    return bool(session.scalar(query))


def _segment(session: Session, number: int | None) -> Segment | None:
    # An archived one is offered no more; what uses it goes on using it.
    return session.get(Segment, number) if number is not None else None


def loop(session: Session, found: FollowUp) -> list[str]:
    """Return the names along a circle of arrows that leads through a follow-up; empty where there is none."""
    return loops(session, session.get_one(Organisation, found.organisation_id)).get(found.id, [])


def loops(session: Session, owner: Organisation) -> dict[int, list[str]]:
    """Return the same of every follow-up that is on such a circle, by its row."""
    every = {each.id: each for each in follow_up.all_of(session, owner)}
    begin = {
        each.id: named_letters(session, owner.id, each.segment_id)
        for each in every.values()
        if each.trigger is Trigger.SEGMENT
    }
    if not begin:
        return {}
    arrows = {number: _leads_to(session, begin, number) for number in every}
    paths = {number: _round(arrows, number, [number]) for number in begin}
    return {number: [every[each].name for each in path] for number, path in paths.items() if path}


def _round(arrows: Mapping[int, Sequence[int]], start: int, path: list[int]) -> list[int]:
    for following in arrows.get(path[-1], ()):
        if following == start:
            return path
        if following not in path and (further := _round(arrows, start, [*path, following])):
            return further
    return []


def _leads_to(session: Session, begin: Mapping[int, set[str]], number: int) -> list[int]:
    """Return the follow-ups that begin with a segment of those who got a letter of this one."""
    of_steps = select(Campaign.public_id).join(FollowUpStep, FollowUpStep.campaign_id == Campaign.id)
    letters = set(session.scalars(of_steps.where(FollowUpStep.follow_up_id == number)))
    return [each for each, bring in begin.items() if letters & bring]


def named_letters(session: Session, organisation_id: int, segment_id: int | None) -> set[str]:
    """Return the letters that bring somebody into a segment, by public id, also through segments that stand in it.

    Where a letter stands under a “not”, having it leads out of the segment, and no arrow leads there.
    """
    owner = session.get_one(Organisation, organisation_id)
    found: set[str] = set()
    seen: set[tuple[str, bool]] = set()
    first = session.get(Segment, segment_id) if segment_id is not None else None
    waiting = [(first, True)] if first is not None else []
    while waiting:
        each, leads_in = waiting.pop()
        seen.add((each.public_id, leads_in))
        for condition, brings in _conditions(each, leads_in=leads_in):
            slots = condition.form.slots
            if Slot.LETTER in slots and brings:
                found.add(condition.value)
            if Slot.SEGMENT in slots and (condition.value, brings) not in seen:
                inner = _named(session, owner, condition.value)
                waiting += [(inner, brings)] if inner is not None else []
    return found


def _conditions(each: Segment, *, leads_in: bool) -> Iterator[tuple[Condition, bool]]:
    """Yield what a segment asks for, and whether that leads into it or out; what cannot be read is true of nobody."""
    try:
        yield from _turned(each.tree, brings=leads_in)
    except Invalid:
        return


def _turned(tree: Tree, *, brings: bool) -> Iterator[tuple[Condition, bool]]:
    match tree:
        case Condition():
            yield tree, brings
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _turned(part, brings=brings)
        case Not(part):
            yield from _turned(part, brings=not brings)
        case _:
            assert_never(tree)


def _named(session: Session, owner: Organisation, public_id: str) -> Segment | None:
    query = select(segment.Segment).where(Segment.public_id == public_id, Segment.organisation_id == owner.id)
    return session.scalars(query).first()
