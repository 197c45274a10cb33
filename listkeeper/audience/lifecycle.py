"""The clocks of a permission: what ends by itself, and the owner's warning before it does.

The gate reads the same clocks at every hand-over; this only brings the state
that people see in line with them, and writes down that a permission ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, literal, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import confirmation, consent, jurisdiction, subscription
from listkeeper.audience.confirmation import LIFETIME, Confirmation
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.mailing_list import ListState, MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock

WARN_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class Warning:  # noqa: A001 - the word people use
    """How many people of a list can soon no longer be mailed, and why."""

    list_name: str
    list_public_id: str
    expiring: int
    unused: int
    dormant: int

    @property
    def any(self) -> bool:
        """Whether there is anything to warn of."""
        return bool(self.expiring or self.unused or self.dormant)


def end_due(session: Session, limit: int = 500) -> int:
    """Move what has run out to the state that says so, with its event; return how many."""
    ended = 0
    for condition, target, kind in _ENDS:
        query = (
            select(Subscription, Subscriber)
            .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
            .where(condition())
            .order_by(Subscription.id)
            .limit(limit - ended)
            .with_for_update(skip_locked=True)
        )
        for current, person in session.execute(query).all():
            subscription.move(current, target)
            under = Circumstances(consent_text_id=current.consent_text_id, actor="system", basis=current.basis.value)
            consent.record(session, person, current.list_id, kind, Method.CLOCK, under)
            ended += 1
    return ended


def _never_answered() -> ColumnElement[bool]:
    long_ago = clock.now() - LIFETIME
    # Who signed up again meanwhile has a newer question in her mailbox, and may still answer that one.
    asked_again = exists().where(
        Confirmation.subscriber_id == Subscription.subscriber_id,
        confirmation.asks_about(Subscription.list_id),
        Confirmation.created_at > long_ago,
    )
    return and_(Subscription.state == SubscriptionState.PENDING, Subscription.since <= long_ago, ~asked_again)


def _past_its_day() -> ColumnElement[bool]:
    return and_(Subscription.state == SubscriptionState.CONFIRMED, Subscription.valid_until <= clock.now())


def _never_used() -> ColumnElement[bool]:
    return and_(
        Subscription.state == SubscriptionState.CONFIRMED,
        Subscription.last_contact_at.is_(None),
        Subscription.first_use_deadline <= clock.now(),
    )


_ENDS: tuple[tuple[Callable[[], ColumnElement[bool]], SubscriptionState, EventKind], ...] = (
    (_never_answered, SubscriptionState.EXPIRED, EventKind.EXPIRED),
    (_past_its_day, SubscriptionState.LAPSED, EventKind.EXPIRED),
    (_never_used, SubscriptionState.LAPSED, EventKind.LAPSED),
)


def warnings(session: Session, organisation: Organisation) -> list[Warning]:
    """Return, list by list, how many permissions end within 30 days, before they do."""
    lists = select(MailingList).where(
        MailingList.organisation_id == organisation.id, MailingList.state == ListState.ACTIVE
    )
    found = [_warning(session, row) for row in session.scalars(lists.order_by(MailingList.id))]
    return [warning for warning in found if warning.any]


def _warning(session: Session, mailing_list: MailingList) -> Warning:
    soon = clock.now() + WARN_BEFORE
    profile = jurisdiction.profile(mailing_list.jurisdiction, clock.now().date())
    last = func.coalesce(Subscription.last_contact_at, Subscription.since)
    said = func.coalesce(Subscription.renewed_at, last)
    silent_since = clock.months_later(clock.now(), -profile.dormancy_warn) if profile.dormancy_warn else None
    # An index finds the list's confirmed people; what they are counted for is read from their rows.
    query = (
        select(
            func.count().filter(Subscription.valid_until <= soon),
            func.count().filter(and_(Subscription.last_contact_at.is_(None), Subscription.first_use_deadline <= soon)),
            func.count().filter(last <= silent_since, said <= silent_since) if silent_since else literal(0),
        )
        .select_from(Subscription)
        .where(Subscription.list_id == mailing_list.id, Subscription.state == SubscriptionState.CONFIRMED)
    )
    expiring, unused, dormant = session.execute(query).one()
    return Warning(mailing_list.name, mailing_list.public_id, expiring, unused, dormant)
