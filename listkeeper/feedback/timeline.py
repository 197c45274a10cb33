"""What came back, the newest first: of everybody, or of one letter."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import FEEDBACK, Reason, Suppression
from listkeeper.feedback.event import FeedbackEvent
from listkeeper.foundation.errors import NotFound


def newest(
    session: Session, organisation_id: int, *, campaign_id: int | None = None, most: int = 50
) -> list[tuple[FeedbackEvent, Subscriber | None]]:
    """Return what was told last, each with the person it is about, where that is known."""
    query = (
        select(FeedbackEvent, Subscriber)
        .outerjoin(Subscriber, Subscriber.id == FeedbackEvent.subscriber_id)
        # The newest are at the end of the primary key; no index of the organisation shall be taken for it, and sorted.
        .where(FeedbackEvent.organisation_id + 0 == organisation_id)
    )
    if campaign_id is not None:
        query = query.where(FeedbackEvent.campaign_id == campaign_id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(FeedbackEvent.id.desc()).limit(most))]


def numbered(session: Session, organisation_id: int, number: int) -> FeedbackEvent:
    """Return one thing that was told, by its number. Raises NotFound."""
    found = session.get(FeedbackEvent, number)
    if found is None or found.organisation_id != organisation_id:
        raise NotFound("no_bounce", f"Nothing with the number {number} has come back.")
    return found


def is_ours(held: Suppression) -> bool:
    """Return whether we held somebody back ourselves because mail came back: that may be taken back."""
    return held.reason is Reason.HARD_BOUNCE and held.actor.startswith(FEEDBACK)


def cause(session: Session, held: Suppression) -> FeedbackEvent | None:
    """Return what was told when somebody was held back by ourselves; None where that was not us, or is not known."""
    number = held.actor.removeprefix(FEEDBACK)
    return session.get(FeedbackEvent, int(number)) if is_ours(held) and number.isdecimal() else None
