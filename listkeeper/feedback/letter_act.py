"""What somebody did about a letter, answering what it asked or writing back, is noted while she is on its list."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from listkeeper.audience import activity, subscription
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.sending.delivery import Delivery


def note(  # noqa: PLR0913 - who did what, when, and about which letter
    session: Session, subscriber_id: int, letter: Delivery, kind: ActivityKind, at: datetime, *, campaign_id: int
) -> None:
    """Note it, on the list that has its people by now; ``campaign_id`` is 0 where it belongs to no letter of one."""
    current = subscription.followed(session, subscriber_id, letter.list_id) if letter.list_id is not None else None
    if current is not None and current.state is SubscriptionState.CONFIRMED:
        activity.note(session, [Act(subscriber_id, current.list_id, kind, at, campaign_id)])
