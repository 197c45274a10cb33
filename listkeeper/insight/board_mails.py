"""How many mails were handed over in a time, and how many of these very mails came back.

Both are asked of the same rows, so that no share is of two different things:
what was planned and stopped is no mail, and what came back is held against
questions and the mails of series as well as letters. Tests, answers and the
studio's own mail are none of these.

There is no index by time. Deliveries are numbered as they are made, so the
first of a time is found by halving, and only what is younger is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.sending.delivery import LEFT, Delivery, DeliveryState

# Who gets one of these can leave by it.
_TO_READERS = (MessageClass.MARKETING, MessageClass.SERVICE)
_COUNTED = (*_TO_READERS, MessageClass.DOI, MessageClass.TRANSACTIONAL)
# The server said no, at once or later.
_CAME_BACK = (DeliveryState.FAILED, DeliveryState.BOUNCED)
_HANDED = (*sorted(LEFT), DeliveryState.FAILED)
# What waited longer than that before it left is not found; mails are put off for days and not for weeks.
_WAITED = timedelta(days=14)


@dataclass(frozen=True)
class Mails:
    """``to_readers`` are those of ``handed`` by which somebody can leave; ``came_back`` are of ``handed``."""

    handed: int = 0
    came_back: int = 0
    to_readers: int = 0


def since(session: Session, organisation: Organisation, moment: datetime) -> Mails:
    """Count what was handed over since a moment."""
    mail = Delivery
    to_readers = mail.message_class.in_(_TO_READERS)
    query = select(
        func.count(), func.count().filter(mail.state.in_(_CAME_BACK)), func.count().filter(to_readers)
    ).where(
        mail.id >= _first(session, moment - _WAITED),
        mail.handed_at >= moment,
        mail.state.in_(_HANDED),
        mail.message_class.in_(_COUNTED),
        mail.organisation_id == organisation.id,
    )
    return Mails(*session.execute(query).one())


def _first(session: Session, moment: datetime) -> int:
    """Return a number below which every delivery is older than a moment."""
    low, high = session.scalar(select(func.min(Delivery.id))), session.scalar(select(func.max(Delivery.id)))
    if low is None or high is None:
        return 0
    while low < high:
        middle = (low + high) // 2
        # Numbers have gaps: asked is the next one there is, which exists because the highest does.
        following = select(Delivery.id, Delivery.created_at).where(Delivery.id > middle).order_by(Delivery.id).limit(1)
        number, made_at = session.execute(following).one()
        if made_at < moment:
            low = number
        else:
            high = middle
    return low
