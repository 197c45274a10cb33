"""Channel profit: what it costs to reach people by a channel, what comes of it, and what is left.

Exact from end to end, in whole people and minor units of money, by these rules:

* A mailing goes to whole people. What is left of the list for a later one is
  rounded down: nobody is written to by half.
* Responses and orders are averages that somebody expects, and stay exact.
* Each line of money is rounded to the smallest coin once, half a coin up. The
  profit is the difference of the rounded lines, so that what is printed adds up.

Nothing is divided by nothing: where there is no answer, it is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from listkeeper.foundation.figure import rounded

MOST_MAILINGS = 120
MOST_CHANNELS = 6
# More people than there are.
MOST_PEOPLE = 10**10


@dataclass(frozen=True)
class ChannelPlan:
    """What a channel costs and is expected to bring; money in minor units, shares between 0 and 1."""

    name: str
    # How many people the first mailing goes to.
    people: int
    mailings: int
    # For each piece that is sent; a mail costs less than the smallest coin.
    piece_cost: Fraction
    fixed_cost: int
    # Who answers (follows a link, sends the coupon back), and who of them orders.
    response: Fraction
    conversion: Fraction
    # What is left of an order once the goods are paid.
    contribution: int
    # Who of the list is lost from one mailing to the next.
    decay: Fraction

    @cached_property
    def audiences(self) -> Sequence[int]:
        """How many people each mailing goes to."""
        return [_left(self.people, kept) for kept in self._kept]

    @cached_property
    def _kept(self) -> Sequence[Fraction]:
        kept, shares = Fraction(1), []
        for _ in range(self.mailings):
            shares.append(kept)
            kept *= 1 - self.decay
        return shares

    def pieces_of(self, people: int) -> int:
        """Return how many pieces go out in all if the first mailing goes to so many people."""
        return sum(_left(people, kept) for kept in self._kept)


def _left(people: int, kept: Fraction) -> int:
    return people * kept.numerator // kept.denominator


@dataclass(frozen=True)
class ChannelResult:
    """What comes of a plan; money in minor units, ``None`` where nothing can be said."""

    plan: ChannelPlan
    pieces: int
    responses: Fraction
    orders: Fraction
    contribution: int
    piece_costs: int
    fixed_cost: int

    @property
    def cost(self) -> int:
        """All that is paid."""
        return self.piece_costs + self.fixed_cost

    @property
    def profit(self) -> int:
        """What is left; below nothing it is a loss."""
        return self.contribution - self.cost

    @property
    def profit_a_person(self) -> int | None:
        """What is left for each person of the first mailing."""
        return _each(self.profit, Fraction(self.plan.people))

    @property
    def cost_of_order(self) -> int | None:
        """What it costs to get one order."""
        return _each(self.cost, self.orders)

    @property
    def roi(self) -> Fraction | None:
        """What is left for each coin that was paid: 1 is 100 per cent."""
        return Fraction(self.profit, self.cost) if self.cost else None

    @property
    def break_even_response(self) -> Fraction | None:
        """At which response nothing is left and nothing lost; above 1, not even if everybody answered."""
        worth = self.pieces * self.plan.conversion * self.plan.contribution
        return Fraction(self.cost) / worth if worth else None

    @property
    def break_even_people(self) -> int | None:
        """Return how many people the first mailing needs until the fixed cost is earned; None: at no number."""
        plan = self.plan
        margin = plan.response * plan.conversion * plan.contribution - plan.piece_cost
        if margin <= 0:
            return 0 if plan.fixed_cost == 0 and margin == 0 else None
        return _fewest(plan, -(-plan.fixed_cost * margin.denominator // margin.numerator))


def _fewest(plan: ChannelPlan, pieces: int) -> int | None:
    """Return the smallest first audience that brings so many pieces; None if no number of people does."""
    least, most = 0, pieces
    if most > MOST_PEOPLE:
        return None
    while least < most:
        middle = (least + most) // 2
        if plan.pieces_of(middle) >= pieces:
            most = middle
        else:
            least = middle + 1
    return least


def _each(amount: int, among: Fraction) -> int | None:
    return rounded(Fraction(amount) / among) if among else None


def work_out(plan: ChannelPlan) -> ChannelResult:
    """Return what comes of one channel."""
    pieces = sum(plan.audiences)
    responses = pieces * plan.response
    orders = responses * plan.conversion
    return ChannelResult(
        plan=plan,
        pieces=pieces,
        responses=responses,
        orders=orders,
        contribution=rounded(orders * plan.contribution),
        piece_costs=rounded(pieces * plan.piece_cost),
        fixed_cost=plan.fixed_cost,
    )


@dataclass(frozen=True)
class Together:
    """All channels at once: the sum, and what their owner believes that hearing from you twice does."""

    results: Sequence[ChannelResult]
    # People whom every one of the channels reaches.
    reached_by_all: int
    # Orders and contribution on top of the sum; below nothing they are fewer.
    extra_orders: Fraction
    extra: int

    @property
    def people(self) -> int:
        """How many different people are reached."""
        return sum(each.plan.people for each in self.results) - self.reached_by_all * (len(self.results) - 1)

    @property
    def pieces(self) -> int:
        """How many pieces go out."""
        return sum(each.pieces for each in self.results)

    @property
    def responses(self) -> Fraction:
        """How many answer, not counting what comes on top."""
        return sum((each.responses for each in self.results), Fraction())

    @property
    def orders(self) -> Fraction:
        """How many order."""
        return sum((each.orders for each in self.results), Fraction()) + self.extra_orders

    @property
    def contribution(self) -> int:
        """What the orders leave."""
        return sum(each.contribution for each in self.results) + self.extra

    @property
    def cost(self) -> int:
        """All that is paid."""
        return sum(each.cost for each in self.results)

    @property
    def profit(self) -> int:
        """What is left."""
        return self.contribution - self.cost

    @property
    def roi(self) -> Fraction | None:
        """What is left for each coin that was paid."""
        return Fraction(self.profit, self.cost) if self.cost else None

    @property
    def cost_of_order(self) -> int | None:
        """What it costs to get one order."""
        return _each(self.cost, self.orders)

    @property
    def profit_a_person(self) -> int | None:
        """What is left for each different person who is reached."""
        return _each(self.profit, Fraction(self.people))


def together(results: Sequence[ChannelResult], overlap: Fraction, synergy: Fraction) -> Together:
    """Return all channels at once.

    ``overlap`` is the share of the smallest audience whom all the others reach,
    too. ``synergy`` is how much more those people order than the channels alone
    would bring from them: 0 is no more and no less, -1 nothing at all.
    """
    smallest = min((each.plan.people for each in results), default=0)
    twice = smallest * overlap.numerator // overlap.denominator if len(results) > 1 else 0
    shares = [(each, Fraction(twice, each.plan.people) if each.plan.people else Fraction()) for each in results]
    extra_orders = sum((each.orders * share for each, share in shares), Fraction()) * synergy
    worth = sum((each.orders * share * each.plan.contribution for each, share in shares), Fraction())
    return Together(results, twice, extra_orders, rounded(worth * synergy))


def best(results: Sequence[ChannelResult]) -> Sequence[ChannelResult]:
    """Return the channels that earn most in all: one, or several that earn the same."""
    most = max((each.profit for each in results), default=0)
    return [each for each in results if each.profit == most]
