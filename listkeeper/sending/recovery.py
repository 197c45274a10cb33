"""What a dead worker left behind: leased rows wait again, handed ones are in doubt.

Never resent blindly: only the receiver, a bounce or a person can say what
became of a message that was handed over without an answer. A worker that was
only away may come back with the answer: it finds its row by its own name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock, log
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import tally
from listkeeper.sending.delivery import IS_UNDER_WAY, IS_WAITING, Delivery, DeliveryState
from listkeeper.sending.tally import Kind, provider_kind

_COUNTED = (Delivery.lane, Delivery.message_class, Delivery.provider)
_log = log.get(__name__)


def settle_left_behind(session: Session, is_dead: Callable[[str], bool]) -> tuple[int, int]:
    """Settle rows of dead workers and of leases that ran out; return (queued again, in doubt).

    ``is_dead`` says of a worker's name whether its process is known to be
    gone; of workers on other machines it must say False, their leases run out.
    """
    names = session.scalars(select(Delivery.worker).where(IS_UNDER_WAY).distinct())
    dead = [name for name in names if name is not None and is_dead(name)]
    moment = clock.now()
    left = or_(Delivery.worker.in_(dead), Delivery.lease_until < moment)
    again = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(_free(and_(IS_UNDER_WAY, Delivery.state == DeliveryState.LEASED, left))))
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None)
        .returning(Delivery.id)
    ).all()
    doubted = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(_free(and_(IS_UNDER_WAY, Delivery.state == DeliveryState.HANDED, left))))
        .values(
            state=DeliveryState.IN_DOUBT,
            lease_until=None,
            settled_at=moment,
            typed_address=None,
            reply_text="the worker stopped before an answer was recorded",
        )
        .returning(*_COUNTED)
    ).all()
    tally.add(session, Counter(Kind(DeliveryState.IN_DOUBT, row[0], row[1], provider_kind(row[2])) for row in doubted))
    if again or doubted:
        _log.warning("deliveries.left_behind", queued_again=len(again), in_doubt=len(doubted))
    return len(again), len(doubted)


def _free(left: ColumnElement[bool]) -> Select[int]:
    """Return what nobody has locked: a worker that fell silent in mid-transaction must not keep the others waiting."""
    return select(Delivery.id).where(left).with_for_update(skip_locked=True)


def let_go_on(session: Session) -> list[int]:
    """Put letters on their way again that were finished but for a doubt which is none: it did not leave, and waits."""
    waits = select(Delivery.id).where(Delivery.lane == Lane.SENDING, Delivery.campaign_id == Campaign.id, IS_WAITING)
    query = select(Campaign).where(Campaign.state == CampaignState.FINISHED, waits.exists())
    found = list(session.scalars(query.with_for_update(skip_locked=True)))
    for letter in found:
        campaigns.move(letter, CampaignState.SENDING)
    return [letter.id for letter in found]
