"""A segment as one SELECT: whom of a list it is true of now.

Every condition is either true or false of a person, never "not known", so that
``not`` turns it round exactly. Nothing that was typed becomes SQL: values are
parameters, and names were looked up before. Days begin at midnight by the
clock of the business.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segments import segment as segments
from listkeeper.audience.segments import segment_count, segment_facts
from listkeeper.audience.segments.segment import Segment
from listkeeper.audience.segments.segment_calendar import Calendar
from listkeeper.audience.segments.segment_facts import Facts
from listkeeper.audience.segments.segment_names import Names
from listkeeper.audience.segments.segment_tree import All, AnyOf, Condition, Not, Tree, conditions
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock
from listkeeper.foundation.among import among


def members(session: Session, segment: Segment, *, now: datetime | None = None) -> Select[int]:
    """Return the SELECT of the subscribers a segment is true of: confirmed on its list, and not set apart.

    Raises Invalid, like everything here, when it cannot be written out with those inside it (``segment.written_out``).
    """
    return _people(session, _list_of(session, segment), segments.whole(session, segment), now=now)


def of_tree(
    session: Session,
    mailing_list: MailingList,
    tree: Tree,
    *,
    now: datetime | None = None,
    only: Collection[int] | None = None,
) -> Select[int]:
    """Return the same of a tree that need not be stored; ``only`` asks about some people, and looks at no others."""
    return _people(session, mailing_list, segments.written_out(session, mailing_list.id, tree), now=now, only=only)


def of_these(session: Session, segment: Segment, people: Collection[int]) -> set[int]:
    """Return which of some people a segment is true of now; it costs what these few do, however long the list is."""
    whole = segments.whole(session, segment)
    return set(session.scalars(_people(session, _list_of(session, segment), whole, only=people)))


def _people(
    session: Session,
    mailing_list: MailingList,
    whole: Tree,
    *,
    now: datetime | None = None,
    only: Collection[int] | None = None,
) -> Select[int]:
    facts = _facts(session, mailing_list, now, some=only is not None)
    # Few are set apart, and there is an index of them alone.
    apart = select(Subscriber.id).where(Subscriber.restricted_at.is_not(None) | Subscriber.erased_at.is_not(None))
    query = select(Subscription.subscriber_id).where(
        Subscription.list_id == mailing_list.id,
        Subscription.state == SubscriptionState.CONFIRMED,
        not_(facts.among(apart)),
        _compiled(whole, facts),
    )
    if any(each.phrase.startswith(segment_facts.OF_THE_PERSON) for each in conditions(whole)):
        query = query.join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    if only is None:
        return query
    return query.where(among(Subscription.subscriber_id, segment_facts.SOME)).params({segment_facts.SOME: sorted(only)})


def count(session: Session, segment: Segment) -> int:
    """Return how many people a segment is true of now."""
    return count_whole(session, _list_of(session, segment), segments.whole(session, segment))


def count_tree(session: Session, mailing_list: MailingList, tree: Tree) -> int:
    """Return the same of a tree that need not be stored."""
    return count_whole(session, mailing_list, segments.written_out(session, mailing_list.id, tree))


def count_whole(session: Session, mailing_list: MailingList, whole: Tree) -> int:
    """Return the same of a tree in which the segments inside it are written out."""
    if session.get_bind().dialect.name == "sqlite":
        walk = segment_count.of(whole, _facts(session, mailing_list))
        if walk.is_worth_it:
            beside = _people(session, mailing_list, All(tuple(walk.where))).where(*walk.seen)
            return session.scalar(segment_count.statement(walk, beside)) or 0
    return size(session, _people(session, mailing_list, whole))


def size(session: Session, people: Select[int]) -> int:
    """Return how many people a SELECT of this chapter finds."""
    return session.scalar(people.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def within(session: Session, segment: Segment, *, now: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition of a segment over ``Subscription`` and ``Subscriber``, for a query that joins both."""
    return _compiled(segments.whole(session, segment), _facts(session, _list_of(session, segment), now))


def _list_of(session: Session, segment: Segment) -> MailingList:
    return session.get_one(MailingList, segment.list_id)


def _facts(session: Session, mailing_list: MailingList, now: datetime | None = None, *, some: bool = False) -> Facts:
    zone = storefront.zone_of(session, session.get_one(Organisation, mailing_list.organisation_id))
    return Facts(Names(session, mailing_list), Calendar(now or clock.now(), zone), some)


def _compiled(tree: Tree, facts: Facts) -> ColumnElement[bool]:
    match tree:
        case Condition():
            return segment_facts.compiled(tree, facts)
        case All(parts):
            return and_(true(), *(_compiled(part, facts) for part in parts))
        case AnyOf(parts):
            if (one := _one_set(parts, facts)) is not None:
                return one
            return or_(false(), *(_compiled(part, facts) for part in parts))
        case Not(part):
            return not_(_compiled(part, facts))


def _one_set(parts: tuple[Tree, ...], facts: Facts) -> ColumnElement[bool] | None:
    asked = tuple(part for part in parts if isinstance(part, Condition))
    alone = len(asked) == len(parts) and facts.names.session.get_bind().dialect.name == "postgresql"
    return segment_facts.any_of(asked, facts) if alone else None
