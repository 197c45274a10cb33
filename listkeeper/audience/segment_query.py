"""A segment as one SELECT: whom of a list it is true of now.

Every condition is either true or false of a person, never "not known", so that
``not`` turns it round exactly. Nothing that was typed becomes SQL: values are
parameters, and names were looked up before. Days begin at midnight by the
clock of the business.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from listkeeper.accounts import storefront
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import segment as segments
from listkeeper.audience import segment_count, segment_facts
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.segment import Segment
from listkeeper.audience.segment_calendar import Calendar
from listkeeper.audience.segment_facts import Facts
from listkeeper.audience.segment_names import Names
from listkeeper.audience.segment_tree import All, AnyOf, Condition, Not, Tree, conditions
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock


def members(session: Session, segment: Segment, *, now: datetime | None = None) -> Select[int]:
    """Return the SELECT of the subscribers a segment is true of: confirmed on its list, and not set apart."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    return of_tree(session, mailing_list, segments.whole(session, segment), now=now)


def of_tree(
    session: Session, mailing_list: MailingList, tree: Tree, *, now: datetime | None = None, only: int | None = None
) -> Select[int]:
    """Return the same of a tree that need not be stored; ``only`` asks about one person, and looks at no other."""
    tree = segments.written_out(session, mailing_list.id, tree)
    where = condition(session, mailing_list, tree, now=now, only=only)
    # Few are set apart, and there is an index of them alone.
    apart = select(Subscriber.id).where(Subscriber.restricted_at.is_not(None) | Subscriber.erased_at.is_not(None))
    query = select(Subscription.subscriber_id).where(
        Subscription.list_id == mailing_list.id,
        Subscription.state == SubscriptionState.CONFIRMED,
        not_(segment_facts.among(session, apart if only is None else apart.where(Subscriber.id == only))),
        where,
    )
    if any(each.phrase.startswith(segment_facts.OF_THE_PERSON) for each in conditions(tree)):
        query = query.join(Subscriber, Subscriber.id == Subscription.subscriber_id)
    return query if only is None else query.where(Subscription.subscriber_id == only)


def count(session: Session, segment: Segment) -> int:
    """Return how many people a segment is true of now."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    return count_tree(session, mailing_list, segments.whole(session, segment))


def count_tree(session: Session, mailing_list: MailingList, tree: Tree) -> int:
    """Return the same of a tree that need not be stored."""
    if session.get_bind().dialect.name == "sqlite":
        whole = segments.written_out(session, mailing_list.id, tree)
        walk = segment_count.of(whole, _facts(session, mailing_list))
        if walk.is_worth_it:
            beside = of_tree(session, mailing_list, All(tuple(walk.where))).where(*walk.seen)
            return session.scalar(segment_count.statement(walk, beside)) or 0
    return size(session, of_tree(session, mailing_list, tree))


def size(session: Session, people: Select[int]) -> int:
    """Return how many people a SELECT of this chapter finds."""
    return session.scalar(people.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def includes(session: Session, segment: Segment, subscriber_id: int) -> bool:
    """Return whether a segment is true of somebody now."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    asked = of_tree(session, mailing_list, segments.whole(session, segment), only=subscriber_id)
    return session.scalars(asked).first() is not None


def within(session: Session, segment: Segment, *, now: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition of a segment over ``Subscription`` and ``Subscriber``, for a query that joins both."""
    mailing_list = session.get_one(MailingList, segment.list_id)
    return condition(session, mailing_list, segments.whole(session, segment), now=now)


def condition(
    session: Session, mailing_list: MailingList, tree: Tree, *, now: datetime | None = None, only: int | None = None
) -> ColumnElement[bool]:
    """Return a tree as a condition over ``Subscription``, and over ``Subscriber`` where it asks about the person."""
    whole = segments.written_out(session, mailing_list.id, tree)
    return _compiled(whole, _facts(session, mailing_list, now, only))


def _facts(session: Session, mailing_list: MailingList, now: datetime | None = None, only: int | None = None) -> Facts:
    zone = storefront.zone_of(session, session.get_one(Organisation, mailing_list.organisation_id))
    return Facts(Names(session, mailing_list), Calendar(now or clock.now(), zone), only)


def _compiled(tree: Tree, facts: Facts) -> ColumnElement[bool]:
    match tree:
        case Condition():
            return segment_facts.compiled(tree, facts)
        case All(parts):
            return and_(true(), *(_compiled(part, facts) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_compiled(part, facts) for part in parts))
        case Not(part):
            return not_(_compiled(part, facts))
