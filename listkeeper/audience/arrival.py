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
        .outerjoin(Signup, Signup.id == Subscription.first_signup_id)
        .outerjoin(Source, Source.id == Subscription.source_id)
        .where(
            Subscription.subscriber_id == subscriber.id,
            Subscription.first_signup_id.is_not(None) | Subscription.source_id.is_not(None),
        )
        .order_by(Subscription.id)
    )
    return [_told(row[0], row[1], row[2], subscriber) for row in session.execute(query)]


def _told(list_id: int, row: Signup | None, found: Source | None, subscriber: Subscriber) -> Arrival:
    if row is None:
        # The people of the demo came without a sign-up.
        return Arrival(list_id, subscriber.created_at, found, "", "", {})
    typed = row.source or "" if found is None else ""
    return Arrival(list_id, row.received_at, found, typed, row.referrer or "", dict(row.utm))
