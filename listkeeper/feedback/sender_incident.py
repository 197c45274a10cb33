"""Mail that comes back because of its sender: the same incident as where a receiver refuses us at once.

Some receivers take everything and send it back later. When 3 % of what one of
them got in a quarter of an hour comes back because of the sender, its queue
stands still (deliverability reference, section 10); the readers are not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import answer
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome
from listkeeper.foundation import clock
from listkeeper.sending import refusal
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.pacing.pace_news import Refusing

WINDOW = timedelta(minutes=15)
# In thousandths of what the receiver got; and however few it got, so many stop nothing.
SHARE, FEW = 30, 5
_GOT = (DeliveryState.ACCEPTED, DeliveryState.BOUNCED)


def look(session: Session, organisation: Organisation) -> list[Refusing]:
    """Open an incident for each receiver that sends our mail back because of us; return them.

    What a server said while we spoke to it is not counted here: the pace has heard it already. Nor is what came before
    the receiver was freed: it would stand still again at once.
    """
    begun = []
    for provider, faults in _by_provider(session, organisation).items():
        if len(faults) <= FEW:
            continue
        got = _got(session, provider, faults)
        if len(faults) * 1000 >= SHARE * got:
            classes = [found for found, _ in Counter(row.reply_class for row in faults).most_common() if found]
            refusing = Refusing(provider, len(faults), max(got, len(faults)), tuple(classes))
            refusal.begin(session, organisation.from_domain, refusing)
            begun.append(refusing)
    return begun


def slower(session: Session, organisation: Organisation, since: timedelta) -> list[str]:
    """Return the receivers that have sent mail back lately because it came too fast."""
    query = select(FeedbackEvent.provider).where(
        FeedbackEvent.received_at > clock.now() - since,
        FeedbackEvent.organisation_id == organisation.id,
        FeedbackEvent.kind == FeedbackKind.BOUNCED,
        FeedbackEvent.reply_class == ReplyClass.RATE,
        FeedbackEvent.source != answer.SOURCE,
        FeedbackEvent.provider.is_not(None),
    )
    return sorted({provider for provider in session.scalars(query) if provider is not None})


def _by_provider(session: Session, organisation: Organisation) -> dict[str, list[FeedbackEvent]]:
    begin = clock.now() - WINDOW
    query = select(FeedbackEvent).where(
        FeedbackEvent.received_at > begin,
        FeedbackEvent.organisation_id == organisation.id,
        FeedbackEvent.kind == FeedbackKind.BOUNCED,
        FeedbackEvent.outcome == Outcome.SENDER,
        FeedbackEvent.source != answer.SOURCE,
        FeedbackEvent.provider.is_not(None),
    )
    freed = refusal.freed(session, organisation.from_domain, begin)
    found: dict[str, list[FeedbackEvent]] = {}
    for row in session.scalars(query.order_by(FeedbackEvent.id)):
        if row.received_at > freed.get(row.provider or "", begin):
            found.setdefault(row.provider or "", []).append(row)
    return found


def _got(session: Session, provider: str, faults: Sequence[FeedbackEvent]) -> int:
    """Return how many mails of the same letters the receiver got since the first of these was handed over."""
    letters = {row.campaign_id for row in faults if row.campaign_id is not None}
    numbers = [row.delivery_id for row in faults if row.delivery_id is not None]
    since: datetime | None = session.scalar(select(func.min(Delivery.handed_at)).where(Delivery.id.in_(numbers)))
    if not letters or since is None:
        return len(faults)
    query = select(func.count()).where(
        Delivery.campaign_id.in_(letters),
        Delivery.state.in_(_GOT),
        Delivery.provider == provider,
        Delivery.handed_at >= since,
    )
    return session.scalar(query) or 0
