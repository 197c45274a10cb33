"""What a place brought: visits, sign-ups, what became of them, and what each of them cost.

A sign-up is counted to the source by which somebody first came to a list, so
that a later one takes nothing away from it. Whoever is on two lists signed up
twice. All of it is worked out in the database, one row a source and state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from listkeeper.audience import source_cost, visit
from listkeeper.audience.source import Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.audience.visit import Visits
from listkeeper.foundation import clock, money

S = SubscriptionState
# What can become of somebody who said yes; the five add up to all who did.
_BECAME = {
    S.CONFIRMED: "here",
    S.UNSUBSCRIBED: "left",
    S.COMPLAINED: "complained",
    S.BOUNCED: "bounced",
    S.LAPSED: "lapsed",
}
_NUMBERS = ("visits", "machines", "asked", "confirmed", *_BECAME.values(), "mailed", "cost")


@dataclass
class Brought:
    """Every number is of sign-ups, but for the visits and the cost (in minor units of ``currency``)."""

    visits: int = 0
    # Previews, crawlers and other programs that followed the link.
    machines: int = 0
    asked: int = 0
    confirmed: int = 0
    # Of those who confirmed: still there, left, complained, address dead, permission run out.
    here: int = 0
    left: int = 0
    complained: int = 0
    bounced: int = 0
    lapsed: int = 0
    # Who of them all has had a letter.
    mailed: int = 0
    cost: int = 0
    currency: str = ""

    @property
    def cost_of_one(self) -> int | None:
        """What one confirmed sign-up cost, half a minor unit rounded up; None while that cannot be known."""
        return money.each(self.cost, self.confirmed) if self.currency and self.confirmed else None

    @property
    def confirm_rate(self) -> int | None:
        """How many in a thousand of those asked confirmed."""
        return per_mille(self.confirmed, self.asked)

    def add(self, other: Brought) -> None:
        """Add what another place brought."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.currency = self.currency or other.currency


def per_mille(part: int, whole: int) -> int | None:
    """Return a share in thousandths, half of one rounded up; None of nothing."""
    return money.each(part * 1000, whole) if whole else None


def by_source(session: Session, sources: Iterable[Source], costs: Iterable[SourceCost] = ()) -> dict[int, Brought]:
    """Return what each of some sources brought, by its row number."""
    visited, today = visit.totals(session), clock.now().date()
    found = {each.id: _begun(visited.get(each.id, Visits())) for each in sources}
    for source_id, state, asked, confirmed, mailed in session.execute(_signups(list(found))):
        one = found[source_id or 0]
        one.asked, one.confirmed, one.mailed = one.asked + asked, one.confirmed + confirmed, one.mailed + mailed
        if state in _BECAME:
            setattr(one, _BECAME[state], getattr(one, _BECAME[state]) + confirmed)
    for cost in costs:
        if cost.source_id in found:
            one = found[cost.source_id]
            one.cost, one.currency = one.cost + source_cost.so_far(cost, today), cost.currency
    return found


def _begun(visits: Visits) -> Brought:
    return Brought(visits=visits.people, machines=visits.machines)


def _signups(sources: list[int]) -> Select[int | None, SubscriptionState, int, int, int]:
    """Return how many sign-ups of each source are in each state: asked, ever confirmed, ever mailed."""
    row = Subscription
    return (
        select(
            row.source_id,
            row.state,
            func.count(),
            # Once a consent was given the row cites it for good, whatever becomes of the person.
            func.count(row.consent_event_id),
            func.count(row.last_contact_at),
        )
        .where(row.source_id.in_(sources))
        .group_by(row.source_id, row.state)
    )
