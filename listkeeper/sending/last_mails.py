"""The last mails to one person: what she most likely writes about when she writes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.campaigns.revision import Revision
from listkeeper.sending.delivery import LEFT, Delivery, DeliveryState

MOST = 5


class Mailed(NamedTuple):
    """One mail; ``subject`` is that of a letter, before her own words came into it."""

    delivery_id: int
    at: datetime
    message_class: MessageClass
    state: DeliveryState
    subject: str | None


def of_person(session: Session, subscriber_id: int) -> list[Mailed]:
    """Return what left for a person last, the newest first."""
    at = func.coalesce(Delivery.handed_at, Delivery.created_at)
    query = (
        select(
            Delivery.id, Delivery.handed_at, Delivery.created_at, Delivery.message_class, Delivery.state,
            Revision.subject,
        )
        .outerjoin(Revision, Revision.id == Delivery.revision_id)
        .where(Delivery.subscriber_id == subscriber_id, Delivery.state.in_(LEFT))
        .order_by(at.desc(), Delivery.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [
        Mailed(number, handed or made, kind, state, subject)
        for number, handed, made, kind, state, subject in session.execute(query)
    ]


def subject_of(session: Session, delivery_id: int) -> str | None:
    """Return the subject of the letter that a delivery carried; None when it was no letter."""
    query = select(Revision.subject).join(Delivery, Delivery.revision_id == Revision.id)
    return session.scalar(query.where(Delivery.id == delivery_id))
