"""The way out by the button of a mail program: which letter it is pressed on, and so who leaves which list."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.unsubscribe import Wish
from listkeeper.foundation.among import among
from listkeeper.sending.delivery import Delivery

# Built once: that takes longer than running it.
_WHOSE = (
    select(Delivery.id, Delivery.subscriber_id, Delivery.list_id, Subscriber.language)
    .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    .where(among(Delivery.id, "letters"))
    .where(Delivery.list_id.is_not(None), Delivery.message_class != MessageClass.TEST)
)


def leave(session: Session, letters: Sequence[int]) -> list[str | None]:
    """Take the readers of these letters off their lists, in the caller's transaction.

    Returns the language of each; None where nobody is known who could leave, as after an erasure, or for a test.
    """
    spoken: dict[int, str] = {}
    wishes = []
    for number, subscriber_id, list_id, language in session.execute(_WHOSE, {"letters": sorted(set(letters))}):
        spoken[number] = language
        wishes.append(Wish(subscriber_id or 0, list_id or 0, Method.ONE_CLICK, number))
    unsubscribe.leave_all(session, wishes, undoable=False)
    return [spoken.get(number) for number in letters]
