"""What a receiver that refuses us said, in its own words: the evidence beside its incident, with addresses masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.deliverability.reply_class import SENDER_FAULT
from listkeeper.feedback.event import FeedbackEvent, Outcome
from listkeeper.sending.delivery import IS_PUT_OFF, Delivery
from listkeeper.sending.incident import Incident

MOST = 5
# What made it an incident was said before it was one.
_BEFORE = timedelta(hours=1)
_LOOKED_AT = 2_000


def replies(session: Session, row: Incident) -> list[str]:
    """Return up to five different answers of the receiver of an incident, the newest first."""
    newest = (
        select(FeedbackEvent.outcome, FeedbackEvent.provider, FeedbackEvent.reply)
        .where(FeedbackEvent.received_at > row.opened_at - _BEFORE)
        .order_by(FeedbackEvent.received_at.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    sent_back = select(newest.c.reply).where(newest.c.outcome == Outcome.SENDER, newest.c.provider == row.provider)
    put_off = (
        select(Delivery.reply_text)
        .where(IS_PUT_OFF, Delivery.provider == row.provider, Delivery.reply_class.in_(sorted(SENDER_FAULT)))
        .order_by(Delivery.due_at.desc())
        .limit(_LOOKED_AT)
    )
    said = _different(session.scalars(sent_back))
    return (said if len(said) == MOST else _different([*said, *session.scalars(put_off)]))[:MOST]


def _different(said: Iterable[str | None]) -> list[str]:
    found = dict.fromkeys(words.strip() for words in said if words and words.strip())
    return list(found)[:MOST]
