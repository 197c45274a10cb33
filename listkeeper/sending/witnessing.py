"""Once a week the owner's witness mailbox gets the newest checkpoint of the ledger.

A mailbox that this machine cannot reach into is what convicts a ledger that is
cut or rewritten together with everything beside it (``consent verify
--witness``). The mail is of class system: it is about nobody's subscription.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.proof import checkpoint, ledger
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import delivery
from listkeeper.sending.delivery import SENT, Delivery


def mail_due(session: Session, owner: Organisation) -> Delivery | None:
    """Queue this week's checkpoint; None without a mailbox, when the week had one, or when the ledger has not grown.

    Raises Conflict when the ledger contradicts what was signed of it.
    """
    moment = clock.now()
    if owner.witness_address is None or ledger.is_forked(session, owner.id) or _of_week(session, owner, moment):
        return None
    rows, last = ledger.size(session, owner.id), checkpoint.last_mailed(session, owner.id)
    if rows == 0 or (last is not None and last.size >= rows and _arrived(session, owner, last.mailed_at or moment)):
        return None
    signed = checkpoint.covering(session, owner, rows)
    signed.mailed_at = moment
    made = Delivery(
        organisation_id=owner.id,
        message_class=MessageClass.SYSTEM,
        lane=Lane.URGENT,
        occasion=occasion(owner, moment),
        notice=NoticeKind.WITNESS,
        notice_id=signed.id,
        typed_address=owner.witness_address,
    )
    return delivery.queue(session, made)


def occasion(owner: Organisation, moment: datetime) -> str:
    """Return the occasion of a week's mail (ISO 8601, UTC)."""
    year, week, _day = moment.isocalendar()
    return f"witness:{owner.public_id}:{year}-W{week:02}"


def _of_week(session: Session, owner: Organisation, moment: datetime) -> Delivery | None:
    return session.scalars(select(Delivery).where(Delivery.occasion == occasion(owner, moment))).first()


def _arrived(session: Session, owner: Organisation, mailed_at: datetime) -> bool:
    """Return whether the last one was taken: one that was not is sent again in another week, grown or not."""
    last = _of_week(session, owner, mailed_at)
    return last is not None and last.state in SENT
