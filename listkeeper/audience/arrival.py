"""An arrival: how somebody first came to a list, as the sign-up of that moment tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.signup import Signup
from listkeeper.audience.source import Source
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription


@dataclass(frozen=True)
class Arrival:
    """Where somebody came from, and when; ``typed`` is a name of a place that is no source of ours."""

    list_id: int
    at: datetime
    source: Source | None
    typed: str
    referrer: str
    utm: dict[str, str]


def of(session: Session, subscriber: Subscriber) -> list[Arrival]:
    """Return how a person first came to each of her lists, in the order of her coming; nothing for those of a file."""
    query = (
        select(Subscription.list_id, Signup, Source)
        .join(Signup, Signup.id == Subscription.first_signup_id)
        .outerjoin(Source, Source.id == Subscription.source_id)
        .where(Subscription.subscriber_id == subscriber.id)
        .order_by(Signup.received_at, Signup.id)
    )
    return [
        Arrival(
            list_id=list_id,
            at=row.received_at,
            source=found,
            typed="" if found is not None else row.source or "",
            referrer=row.referrer or "",
            utm=dict(row.utm),
        )
        for list_id, row, found in session.execute(query)
    ]
