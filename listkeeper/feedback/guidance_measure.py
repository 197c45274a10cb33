"""What came of the guidance block: those who saw it against those who were held back by chance.

Both got the same letters. Looked at is what they did with the three letters that
followed the first in which they were asked, or would have been: who followed a
link, among those who let that be seen; who wrote to us; and who left. Somebody
who was held back and later asked, or the other way round, counts on neither side.

Where a mail lies nobody can see, so nobody says that here. And no side is
called better unless chance would make such a difference once in a hundred
times: who looks often finds a chance difference sooner or later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from sqlalchemy import ColumnElement, Integer, Subquery, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.rendering import guidance
from listkeeper.rendering.inbox_help import Program
from listkeeper.sending import link_visit
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import LinkVisit

LETTERS_FOLLOWED = 3
# Fewer on a side, or fewer of whom it is expected, and a share says nothing.
LEAST_PEOPLE = 100
LEAST_EXPECTED = 5
# Two-sided, one in a hundred (the normal distribution).
_SURE = 2.576


class Verdict(StrEnum):
    """What the numbers carry."""

    TOO_FEW = "too_few"
    NO_DIFFERENCE = "no_difference"
    MORE = "more"
    LESS = "less"


@dataclass(frozen=True)
class Side:
    """One side of the comparison: people, and what they did."""

    people: int = 0
    seen: int = 0
    followed: int = 0
    wrote: int = 0
    left: int = 0


@dataclass(frozen=True)
class Compared:
    """One thing people do, on both sides; ``verdict`` says what those did who saw the block."""

    what: str
    shown: int
    of_shown: int
    held: int
    of_held: int

    @property
    def verdict(self) -> Verdict:
        """What the numbers carry."""
        return compare(self.shown, self.of_shown, self.held, self.of_held)


@dataclass(frozen=True)
class Measure:
    """What is known of one program."""

    program: Program
    shown: Side
    held: Side

    @property
    def rows(self) -> tuple[Compared, ...]:
        """What they did, each compared."""
        one, other = self.shown, self.held
        return (
            Compared("followed", one.followed, one.seen, other.followed, other.seen),
            Compared("wrote", one.wrote, one.people, other.wrote, other.people),
            Compared("left", one.left, one.people, other.left, other.people),
        )


def compare(hits: int, people: int, other_hits: int, others: int) -> Verdict:
    """Return what two shares say of each other (the test of two proportions, pooled)."""
    if min(people, others) < LEAST_PEOPLE:
        return Verdict.TOO_FEW
    pooled = (hits + other_hits) / (people + others)
    if min(people, others) * min(pooled, 1 - pooled) < LEAST_EXPECTED:
        return Verdict.TOO_FEW
    spread = sqrt(pooled * (1 - pooled) * (1 / people + 1 / others))
    apart = (hits / people - other_hits / others) / spread
    if abs(apart) < _SURE:
        return Verdict.NO_DIFFERENCE
    return Verdict.MORE if apart > 0 else Verdict.LESS


def asked(session: Session, organisation: Organisation) -> dict[str, int]:
    """Return how many people were asked, or held back, by what stands on their letters."""
    query = (
        select(Delivery.guidance, func.count(Delivery.subscriber_id.distinct()))
        .where(Delivery.guidance.is_not(None), Delivery.organisation_id == organisation.id)
        .where(Delivery.state == DeliveryState.ACCEPTED)
        .group_by(Delivery.guidance)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def measure(session: Session, organisation: Organisation, program: Program) -> Measure:
    """Compare the readers of one program."""
    people = _people(organisation, program)
    columns = (people.c.shown, func.count(), *(func.sum(case((done, 1), else_=0)) for done in _did(people)))
    query = select(*columns).where(people.c.shown != people.c.held, _got_more(people)).group_by(people.c.shown)
    sides = {bool(row[0]): Side(*(int(number or 0) for number in row[1:])) for row in session.execute(query)}
    return Measure(program, sides.get(True, Side()), sides.get(False, Side()))


def _people(organisation: Organisation, program: Program) -> Subquery:
    """Return everybody who was asked or held back: on which side, by which letter first, and how many she had then."""
    shown, held = program.value, f"{program.value}{guidance.HELD}"
    return (
        select(
            Delivery.subscriber_id.label("id"),
            func.min(Delivery.id).label("first"),
            func.min(Delivery.handed_at).label("since"),
            func.min(Delivery.letters_before).label("before"),
            func.max(case((Delivery.guidance == shown, 1), else_=0), type_=Integer).label("shown"),
            func.max(case((Delivery.guidance == held, 1), else_=0), type_=Integer).label("held"),
        )
        .where(Delivery.guidance.in_((shown, held)), Delivery.organisation_id == organisation.id)
        .where(Delivery.state == DeliveryState.ACCEPTED, Delivery.subscriber_id.is_not(None))
        .group_by(Delivery.subscriber_id)
        .subquery()
    )


def _got_more(people: Subquery) -> ColumnElement[bool]:
    """Return whether a letter followed at all: without one nobody can have done anything with it."""
    return _followers(people, aliased(Delivery))


def _followers(people: Subquery, letter: type[Delivery], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        letter.subscriber_id == people.c.id,
        letter.id > people.c.first,
        letter.campaign_id.is_not(None),
        letter.letters_before <= people.c.before + LETTERS_FOLLOWED,
        letter.state == DeliveryState.ACCEPTED,
        *conditions,
    )


def _did(people: Subquery) -> tuple[ColumnElement[bool], ...]:
    """Return whether her links are seen, whether she followed one, wrote to us, and left every list."""
    letter = aliased(Delivery)
    visited = _followers(people, letter, LinkVisit.delivery_id == letter.id, link_visit.by_human())
    hers = Subscription.subscriber_id == people.c.id
    seen = exists().where(hers, Subscription.tracking_since.is_not(None))
    wrote = exists().where(
        Conversation.subscriber_id == people.c.id,
        Conversation.last_in_at > people.c.since,
        Conversation.state != ConversationState.SET_ASIDE,
    )
    stays = exists().where(hers, or_(*(Subscription.state == state for state in _STAYS)))
    return seen, and_(seen, visited), wrote, ~stays


_STAYS = (SubscriptionState.CONFIRMED, SubscriptionState.PENDING)
