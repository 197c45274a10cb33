"""What a dead worker left behind: leased rows wait again, handed ones are in doubt.

Never resent blindly: only the receiver, a bounce or a person can say what
became of a message that was handed over without an answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, log
from listkeeper.sending import tally
from listkeeper.sending.delivery import IS_UNDER_WAY, Delivery, DeliveryState
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
        .where(and_(IS_UNDER_WAY, Delivery.state == DeliveryState.LEASED, left))
        .values(state=DeliveryState.QUEUED, worker=None, lease_until=None)
        .returning(Delivery.id)
    ).all()
    doubted = session.execute(
        update(Delivery)
        .where(and_(IS_UNDER_WAY, Delivery.state == DeliveryState.HANDED, left))
        .values(
            state=DeliveryState.IN_DOUBT,
            worker=None,
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
