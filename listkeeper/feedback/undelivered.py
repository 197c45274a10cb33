"""How often in a row mail to one person could not be delivered, and when that is enough: the policy of bounces.

A row of failures is one of consecutive ones: it begins anew once a mail got
through, or the person was heard of. Each mail counts once, however often and
by whom it is reported. What is about the sender or the letter is never counted
(deliverability reference, section 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Integer, delete, exists, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind
from listkeeper.foundation import columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.sending import link_visit
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.link_visit import LinkVisit


class Run(StrEnum):
    """What the failures in a row have in common."""

    DOMAIN = "domain"
    INACTIVE = "inactive"
    FULL = "full"
    SOFT = "soft"


@dataclass(frozen=True)
class Limit:
    """How many in a row are enough: over at least so long a time, or each within so long of the one before."""

    run: Run
    enough: int
    over: timedelta = timedelta(0)
    within: timedelta | None = None


# An address that does not exist needs no second proof; what is not named here is never counted against anybody.
AT_ONCE = frozenset({ReplyClass.INVALID_ADDRESS})
LIMITS: dict[ReplyClass, Limit] = {
    # A domain may be away for a day because somebody forgot to pay for it.
    ReplyClass.INVALID_DOMAIN: Limit(Run.DOMAIN, 2, over=timedelta(hours=24)),
    ReplyClass.INACTIVE: Limit(Run.INACTIVE, 2, within=timedelta(days=14)),
    ReplyClass.MAILBOX_FULL: Limit(Run.FULL, 5, over=timedelta(days=30)),
    ReplyClass.TEMPORARY: Limit(Run.SOFT, 8, over=timedelta(days=30)),
}
# A mail that was taken and has not come back in this time got through.
_SILENCE = timedelta(days=3)
_HER_OWN = (Method.BUTTON, Method.CODE, Method.ONE_CLICK, Method.PAGE, Method.UNDO, Method.FORM)


class UndeliveredRun(Table):
    """One row of failures of one person."""

    __tablename__ = "undelivered_run"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), primary_key=True)
    run: Mapped[Run] = columns.enum(Run, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_delivery_id: Mapped[int] = mapped_column(columns.RowId)


@dataclass(frozen=True)
class Count:
    """How many in a row there are by now, since when, and whether that is enough to write no more."""

    number: int
    since: datetime
    enough: bool


def count(session: Session, subscriber_id: int, found: ReplyClass, delivery_id: int, at: datetime) -> Count | None:
    """Count one mail that could not be delivered; None when its class is never counted, or the mail was counted before.

    The caller holds the person's row.
    """
    limit = LIMITS.get(found)
    if limit is None:
        return None
    known = session.get(UndeliveredRun, (subscriber_id, limit.run))
    if known is not None and known.last_delivery_id == delivery_id:
        return None
    if known is None:
        known = UndeliveredRun(
            subscriber_id=subscriber_id, run=limit.run, number=1, first_at=at, last_at=at, last_delivery_id=delivery_id
        )
        session.add(known)
    elif _is_broken(session, known, limit, at):
        known.number, known.first_at, known.last_at = 1, at, at
    else:
        known.number += 1
        known.first_at, known.last_at = min(known.first_at, at), max(known.last_at, at)
    known.last_delivery_id = delivery_id
    lasted = known.last_at - known.first_at
    return Count(known.number, known.first_at, known.number >= limit.enough and lasted >= limit.over)


def _is_broken(session: Session, known: UndeliveredRun, limit: Limit, at: datetime) -> bool:
    """Whether the row ended before this failure: mail got through meanwhile, or the person was heard of."""
    if limit.within is not None and at - known.last_at > limit.within:
        return True
    return got_through(session, known.subscriber_id, known.last_at, at)


def got_through(session: Session, subscriber_id: int, since: datetime, until: datetime) -> bool:
    """Return whether mail reached a person between two moments, or she did something that only she can do."""
    taken = exists().where(
        Delivery.subscriber_id == subscriber_id,
        Delivery.state == DeliveryState.ACCEPTED,
        Delivery.handed_at > since,
        Delivery.handed_at < until - _SILENCE,
    )
    told = exists().where(
        FeedbackEvent.subscriber_id == subscriber_id,
        FeedbackEvent.kind.in_([FeedbackKind.DELIVERED, FeedbackKind.REPLIED]),
        FeedbackEvent.at > since,
        FeedbackEvent.at < until,
    )
    followed = exists().where(
        LinkVisit.delivery_id == Delivery.id,
        Delivery.subscriber_id == subscriber_id,
        link_visit.by_human(),
        LinkVisit.at > since,
        LinkVisit.at < until,
    )
    acted = exists().where(
        Subscriber.id == subscriber_id,
        ConsentEvent.subject_ref == Subscriber.subject_ref,
        ConsentEvent.method.in_(_HER_OWN),
        ConsentEvent.at > since,
        ConsentEvent.at < until,
    )
    return bool(session.scalar(select(or_(taken, told, followed, acted))))


def forget(session: Session, subscriber_id: int) -> None:
    """Begin anew: her mail gets through, or she is erased. The caller holds the person's row."""
    session.execute(delete(UndeliveredRun).where(UndeliveredRun.subscriber_id == subscriber_id))
