"""How many people a trial takes, said before anything leaves, and refused where it would tell nothing.

By clicks only those can be measured who let their clicks be counted, so each
version goes to as many people as it takes to have enough of those among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from listkeeper.audience import tracking
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.trial import Measure, Trial
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid


@dataclass(frozen=True)
class Size:
    """What a trial comes to on a list of ``people``, of whom ``known`` can be measured.

    ``each`` is how many get each version, ``needed`` how many of those have to be known; ``finds`` is the least
    difference this can show, in thousandths. With ``fits`` false it cannot be made; ``at_most`` is then the least
    difference that all of them together could show, or None.
    """

    people: int
    known: int
    needed: int
    each: int
    finds: int | None
    at_most: int | None

    @property
    def fits(self) -> bool:
        """Whether there are enough people for both versions."""
        return self.known > 0 and 2 * self.each <= self.people


def known_on(session: Session, mailing_list: MailingList, measure: Measure, people: int) -> int:
    """Return of how many of these people it can be known what they did."""
    if measure is Measure.REPLIES:
        return people
    query = (
        select(func.count(), func.sum(case((or_(tracking.stands(), tracking.counts()), 1), else_=0)))
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscription.list_id == mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED)
    )
    everybody, seen = session.execute(query).one()
    # A letter for some of the list: of them as many in a hundred as of all.
    return min(people, round(people * (seen or 0) / everybody)) if everybody else 0


def of(session: Session, mailing_list: MailingList, trial: Trial, people: int) -> Size:
    """Return what a trial comes to among so many people of a list."""
    known = known_on(session, mailing_list, trial.measure, people)
    needed = trials.needed(trial)
    # Rounded up, and the same share of the list as of those who are known.
    each = -(-needed * people // known) if known else 0
    return Size(
        people, known, needed, each, trials.found_difference(trial, needed), trials.found_difference(trial, known // 2)
    )


def demand(session: Session, mailing_list: MailingList, trial: Trial, people: int) -> Size:
    """Return what a trial comes to. Raises Invalid where it would tell nothing, with what could be done instead."""
    size = of(session, mailing_list, trial, people)
    if not size.fits:
        raise Invalid("trial_too_small", f"{too_small(trial, size)} {language.text('Nothing was sent.')}")
    if size.finds is None:
        raise Invalid("trial_each", f"{useless(size)} {language.text('Nothing was sent.')}")
    return size


def too_small(trial: Trial, size: Size) -> str:
    """Say that a list is too small for a trial, and what its owner can do."""
    if trial.measure is Measure.CLICKS and size.known < size.people:
        return f"{counted(size)} {_nothing_learned(size)} {language.text('Try replies, or send it without a trial.')}"
    return f"{_nothing_learned(size)} {language.text('Send it without a trial.')}"


def counted(size: Size) -> str:
    """Say of how many clicks can be known."""
    return language.counted(
        "Of these people, %(number)s lets clicks be counted.",
        "Of these people, %(number)s let clicks be counted.",
        size.known,
    )


def _nothing_learned(size: Size) -> str:
    if size.at_most is None:
        return language.text("Your list is too small to find any difference: you would learn nothing.")
    return language.text(
        "Your list is too small to find a difference under %(points)s points: you would learn nothing.",
        points=points(size.at_most),
    )


def useless(size: Size) -> str:
    """Say that so few people show no difference at all."""
    return language.counted(
        "With %(number)s person each, no difference could be found.",
        "With %(number)s people each, no difference could be found.",
        size.needed,
    )


def points(thousandths: int) -> str:
    """Return a difference between two shares, in points of a hundred."""
    return language.number(thousandths // 10) if thousandths % 10 == 0 else language.decimal(thousandths / 10)


def sentence(trial: Trial, size: Size) -> str:
    """Say beforehand how many people the trial takes and what it can find."""
    if size.finds is None:
        return useless(size)
    found = language.counted(
        "Each version goes to %(number)s person. A difference of %(points)s points or more is then found in four of "
        "five trials, where about %(expected)s act.",
        "Each version goes to %(number)s people. A difference of %(points)s points or more is then found in four of "
        "five trials, where about %(expected)s act.",
        size.each,
        points=points(size.finds),
        expected=language.share(trial.expected),
    )
    if trial.measure is Measure.CLICKS and size.known < size.people:
        return f"{counted(size)} {found}"
    return found
