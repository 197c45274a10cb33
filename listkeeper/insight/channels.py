"""Channels: what each kind of place brought, who follows there, and what would be left if it closed.

Sources add up to channels. Who can be reached is counted by person, because a
person is reached once: on whatever list, by the very question that a letter's
plan asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import followers, mailing_list, source, source_cost, subscription
from listkeeper.audience.followers import FollowerCount
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.source import SOCIAL, Channel, Source
from listkeeper.audience.source_cost import SourceCost
from listkeeper.audience.subscription import Subscription
from listkeeper.insight import brought
from listkeeper.insight.brought import Brought


@dataclass
class ChannelView:
    """One channel: what its sources brought together and each, and whom a letter would reach of it."""

    channel: Channel
    reach: int
    followers: Sequence[FollowerCount]
    brought: Brought = field(default_factory=Brought)
    sources: list[tuple[Source, Brought]] = field(default_factory=list)
    costs: list[SourceCost] = field(default_factory=list)

    @property
    def social(self) -> bool:
        """Whether people follow there."""
        return self.channel in SOCIAL

    @property
    def quiet(self) -> bool:
        """Whether nothing is known of it but that it has a link."""
        return not (self.brought.visits or self.brought.asked or self.costs or self.followers)

    @property
    def newest(self) -> FollowerCount | None:
        """The last count of followers."""
        return self.followers[-1] if self.followers else None

    @property
    def owned(self) -> int | None:
        """How many of a thousand followers are on the list; None while nobody counted them."""
        return brought.per_mille(self.reach, self.newest.number) if self.newest else None


@dataclass(frozen=True)
class Ownership:
    """All channels with a source or a count of followers, and how many people a letter would reach in all."""

    channels: list[ChannelView]
    reach: int
    # Who came by no source: by the form's own address, by a file, or before there were sources.
    elsewhere: int

    @property
    def followers(self) -> int:
        """How many follow anywhere, by the last count of each channel."""
        return sum(view.newest.number for view in self.channels if view.newest)

    @property
    def owned(self) -> int | None:
        """How many people on the list for a thousand followers."""
        return brought.per_mille(self.reach, self.followers)


def ownership(session: Session, organisation: Organisation, *, practice: bool) -> Ownership:
    """Return what a business owns of the people who know it, channel by channel, the one that brought most first."""
    sources, costs = source.every(session, organisation), source_cost.every(session, organisation)
    numbers = brought.by_source(session, sources, costs)
    counted = followers.history(session, organisation)
    reached, in_all = reach(session, organisation, practice=practice)
    named = {each.channel for each in sources} | set(counted)
    views = {
        channel: ChannelView(channel, reached.get(channel, 0), counted.get(channel, []))
        for channel in Channel
        if channel in named
    }
    for each in sources:
        views[each.channel].sources.append((each, numbers[each.id]))
        views[each.channel].brought.add(numbers[each.id])
    for cost in costs:
        if cost.source in sources:
            views[cost.source.channel].costs.append(cost)
    ordered = sorted(views.values(), key=lambda view: -view.reach)
    return Ownership(ordered, in_all, reached.get(None, 0))


def reach(session: Session, organisation: Organisation, *, practice: bool) -> tuple[dict[Channel | None, int], int]:
    """Return how many people a letter could go to now: by the channel they came by (None: by no source), and in all."""
    active = [each for each in mailing_list.all_of(session, organisation) if each.state is ListState.ACTIVE]
    if not active:
        return {}, 0
    questions = [
        subscription.mailable(each, practice=practice).order_by(None).add_columns(Subscription.source_id)
        for each in active
    ]
    people = union_all(*questions).subquery()
    # On one list everybody stands once; sorting a million people to find that out takes longer than all the rest.
    number = func.count() if len(active) == 1 else func.count(people.c.id.distinct())
    by_channel = (
        select(Source.channel, number)
        .select_from(people)
        .outerjoin(Source, Source.id == people.c.source_id)
        .group_by(Source.channel)
    )
    found: dict[Channel | None, int] = {row[0]: row[1] for row in session.execute(by_channel)}
    if len(active) == 1:
        return found, sum(found.values())
    return found, session.scalar(select(number).select_from(people)) or 0
