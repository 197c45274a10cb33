"""The brake on a mailbox: how often it was asked of late, in whatever spelling, through whatever door.

Questions, reminders and questions to a new address count alike. The table
holds a keyed digest and a time, stays when a person is erased or a question
is purged, and is emptied after a month.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, func, select
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
    throttle.take_turns(session, "brake", counted)
    moment = clock.now()
    times = list(
        session.scalars(
            select(MailboxAsked.asked_at).where(
                MailboxAsked.brake_key == counted, MailboxAsked.asked_at > moment - _MONTH
            )
        )
    )
    today = sum(at > moment - _DAY for at in times)
    return today >= limits.confirmations_per_day or len(times) >= limits.confirmations_per_month


def count(session: Session, counted: str) -> None:
    """Count one mail to a mailbox, in the transaction that decides on it."""
    session.add(MailboxAsked(brake_key=counted, asked_at=clock.now()))


def mails(session: Session, counted: str) -> int:
    """Return how many such mails a mailbox got within 30 days."""
    query = select(func.count()).select_from(MailboxAsked)
    return session.scalar(query.where(MailboxAsked.brake_key == counted)) or 0


def forget_past(session: Session) -> None:
    """Delete what counts no more; the timetable calls this."""
    session.execute(delete(MailboxAsked).where(MailboxAsked.asked_at < clock.now() - _MONTH))
