"""An address that takes no mail any more: held back, which is no word of the person, and may be taken back in bulk.

The hold is a suppression of its own reason beside everything she said. It
leaves her words as they are: where we were wrong about the address, lifting it
brings back exactly what there was, and no opt-out or complaint with it
(consent reference, section 4).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from listkeeper.audience import subscriber, subscription, suppression
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.audience.suppression import Reason

# What a hold ends: a question that nobody will answer. A yes that was given stays one.
_UNANSWERED = SubscriptionState.PENDING


def hold(session: Session, subscriber_id: int, *, actor: str) -> bool:
    """Write to this person no more until she signs up again; False when that is so already, or she is gone.

    ``actor`` is who says so: ``feedback:…``, or ``user:…``.
    """
    person = subscriber.hold(session, subscriber_id)
    if person is None or person.erased_at is not None:
        return False
    for current, _ in subscription.all_of(session, person):
        if current.state is _UNANSWERED:
            subscription.move(current, SubscriptionState.BOUNCED)
    return suppression.add(
        session,
        person.organisation_id,
        person.suppression_key,
        scope=suppression.MARKETING,
        reason=Reason.HARD_BOUNCE,
        subject=person.subject_ref,
        actor=actor,
    )


def release(session: Session, subscriber_ids: Collection[int], *, actor: str) -> list[int]:
    """Take holds back that we were wrong about; return whose. Whatever else keeps mail from them stays.

    Only what we held back ourselves because of bounces is lifted, never what came with an import.
    """
    return [
        person.id
        for person in subscriber.hold_each(session, set(subscriber_ids))
        if person.erased_at is None
        and suppression.lift_holds(
            session, person.organisation_id, person.suppression_key, subject=person.subject_ref, actor=actor
        )
    ]
