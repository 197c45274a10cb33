"""Followers: how many people follow a business on a social channel, typed in by its owner from time to time.

They belong to the channel and not to the business; beside the people on the
list, the number shows how much of a following is one's own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.source import SOCIAL, Channel
from listkeeper.foundation import clock, columns, language
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table

# More than there are people.
_DIGITS = 10


class FollowerCount(Table):
    """How many followed on one day."""

    __tablename__ = "follower_count"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    channel: Mapped[Channel] = columns.enum(Channel)
    counted_on: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("organisation_id", "channel", "counted_on"),)


def note(session: Session, organisation: Organisation, channel: Channel, written: str, on: date) -> FollowerCount:
    """Store a count; a second one of the same day takes the place of the first. Raises Invalid."""
    if channel not in SOCIAL:
        raise Invalid("channel", language.text("Nobody follows you there. Please choose a social channel."))
    if on > clock.now().date():
        raise Invalid("day", language.text("This day has not come yet. Please choose today or a day before."))
    number = _number(written)
    query = select(FollowerCount).where(
        FollowerCount.organisation_id == organisation.id,
        FollowerCount.channel == channel,
        FollowerCount.counted_on == on,
    )
    row = session.scalars(query).first()
    if row is None:
        row = FollowerCount(organisation_id=organisation.id, channel=channel, counted_on=on)
        session.add(row)
    row.number = number
    session.flush()
    return row


def _number(written: str) -> int:
    digits = re.sub(r"[\s.,'\u2019]", "", written)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _DIGITS:
        raise Invalid("followers", language.text("Please write the number of followers in digits, as in 2450."))
    return int(digits)


def forget(session: Session, organisation: Organisation, channel: Channel, on: date) -> None:
    """Take away a count that was typed in by mistake; nothing happens when there is none."""
    for row in history(session, organisation).get(channel, []):
        if row.counted_on == on:
            session.delete(row)
    session.flush()


def history(session: Session, organisation: Organisation) -> dict[Channel, list[FollowerCount]]:
    """Return the counts of each channel that has any, the oldest first."""
    query = select(FollowerCount).where(FollowerCount.organisation_id == organisation.id)
    found: dict[Channel, list[FollowerCount]] = defaultdict(list)
    for row in session.scalars(query.order_by(FollowerCount.counted_on)):
        found[row.channel].append(row)
    return dict(found)
