"""The brake on a mailbox: how often it was asked of late, in whatever spelling, through whatever door.

Questions, reminders and questions to a new address count alike. The table
holds a keyed digest and a time, stays when a person is erased or a question
is purged, and is emptied after a month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.guard.limits import Limits
from listkeeper.foundation import clock, columns, signing, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.address import Address

_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)


class MailboxAsked(Table):
    """One mail that asked a mailbox for a yes."""

    __tablename__ = "mailbox_asked"

    id: Mapped[int] = columns.row_id()
    brake_key: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_mailbox_asked_brake_key", "brake_key", "asked_at"),)


def brake_key(parsed: Address) -> str:
    """Return the keyed hash under which all spellings of one mailbox are counted."""
    return signing.keyed_digest("brake", parsed.canon)


def is_braked(session: Session, counted: str, limits: Limits) -> bool:
    """Return whether a mailbox has had its share of such mails.

    Whoever asks goes on to write one: two spellings of one mailbox may be judged by two workers at once, and the
    second has to count the first one's mail.
    """
    take_turns(session, [counted])
    return room(session, [counted], limits)[counted] <= 0


def take_turns(session: Session, counted: Iterable[str]) -> None:
    """Wait until nobody else decides about these mailboxes; in one order, or two would wait for each other."""
    for key in sorted(set(counted)):
        throttle.take_turns(session, "brake", key)


def room(session: Session, counted: Collection[str], limits: Limits) -> dict[str, int]:
    """Return how many such mails each mailbox may get now."""
    moment = clock.now()
    query = select(MailboxAsked.brake_key, MailboxAsked.asked_at).where(
        MailboxAsked.brake_key.in_(counted), MailboxAsked.asked_at > moment - _MONTH
    )
    today, month = Counter[str](), Counter[str]()
    for key, at in session.execute(query):
        month[key] += 1
        today[key] += at > moment - _DAY
    return {
        key: min(limits.confirmations_per_day - today[key], limits.confirmations_per_month - month[key])
        for key in counted
    }


def count(session: Session, counted: str) -> None:
    """Count one mail to a mailbox, in the transaction that decides on it."""
    count_all(session, [counted])


def count_all(session: Session, counted: Sequence[str]) -> None:
    """Count one mail to each of these mailboxes."""
    moment = clock.now()
    session.connection().execute(_COUNT, [{"brake_key": key, "asked_at": moment} for key in counted])


_COUNT = insert(MailboxAsked)


def mails(session: Session, counted: str) -> int:
    """Return how many such mails a mailbox got within 30 days."""
    query = select(func.count()).select_from(MailboxAsked)
    return session.scalar(query.where(MailboxAsked.brake_key == counted)) or 0


def forget_past(session: Session) -> None:
    """Delete what counts no more; the timetable calls this."""
    session.execute(delete(MailboxAsked).where(MailboxAsked.asked_at < clock.now() - _MONTH))
