"""What a mail server said for good while we spoke to it: the same consequences as a mail that came back.

``sending`` writes the fact when a mail failed; this reads the answer again by
the same classifier, so that it makes no difference at which moment a receiver
says no.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.deliverability import reply_class
from listkeeper.feedback import consequence
from listkeeper.feedback.consequence import Told
from listkeeper.feedback.event import FeedbackKind, Proof
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery, DeliveryState

SOURCE = "answer"


def take_up(session: Session, delivery_ids: Sequence[int]) -> None:
    """Let the answers to these mails have their consequences; one that is tried again meanwhile has none yet."""
    consequence.hold(session, delivery_ids)
    query = select(Delivery).where(Delivery.id.in_(list(delivery_ids)), Delivery.state == DeliveryState.FAILED)
    for row in session.scalars(query.order_by(Delivery.id)).all():
        verdict = reply_class.of_reply(row.reply_code or 0, row.reply_text or "", row.provider)
        if verdict is None:
            # It failed before any server heard of it.
            continue
        consequence.follow(
            session,
            Told(
                organisation_id=row.organisation_id,
                kind=FeedbackKind.BOUNCED,
                source=SOURCE,
                external_id=f"{row.id}:{row.attempts}",
                at=row.settled_at or clock.now(),
                delivery_id=row.id,
                proof=Proof.REPLY,
                verdict=verdict,
                code=row.reply_code,
                reply=row.reply_text or "",
            ),
        )
