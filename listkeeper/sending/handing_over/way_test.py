"""A test of one way to send: a single mail that goes by that very way or not at all, and is tried once.

It is a delivery as any other, of class test, and asks the gate as any other.
Only it never waits in the queue, where it would take whatever way comes first.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import allowed_tests, delivery, tally
from listkeeper.sending.delivery import WAITING, Delivery, DeliveryState
from listkeeper.sending.handing_over.way import Way
from listkeeper.standards import address

_LEASED_FOR = timedelta(minutes=5)


def begin(  # noqa: PLR0913 - whose test, by which way, to whom, and who hands it over
    session: Session, organisation: Organisation, way: Way, typed: str, *, worker: str, per_hour: int
) -> Delivery:
    """Store the mail in the hands of this process.

    Raises Invalid when it is no address, Forbidden past the hour's limit of test mails.
    """
    parsed = address.parse(typed)
    allowed_tests.demand(session, organisation, per_hour)
    made = Delivery(
        organisation_id=organisation.id,
        message_class=MessageClass.TEST,
        lane=Lane.URGENT,
        # The mail names its way from it.
        occasion=f"way-test:{secrets.token_hex(12)}@{way.name}",
        notice=NoticeKind.WAY_TEST,
        typed_address=parsed.send,
        state=DeliveryState.LEASED,
        worker=worker,
        lease_until=clock.now() + _LEASED_FOR,
    )
    session.add(made)
    session.flush()
    return made


def end(session: Session, number: int) -> tuple[Delivery, DeliveryState]:
    """Return the mail and what came of it; what would be tried again is cancelled, for that might be another way."""
    row = session.get_one(Delivery, number)
    came_to = row.state
    if row.state in WAITING:
        delivery.move(row, DeliveryState.CANCELLED)
        tally.note(session, [row])
    return row, came_to
