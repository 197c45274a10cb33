"""A wish typed on the entry page: "show me what you hold about this address".

Whether anybody belongs to the address is decided by a job, after the page has
answered: the answer and the time it takes are the same for every address.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import access_link, subscriber
from listkeeper.audience.guard.limits import Limits
from listkeeper.foundation import columns, outbox, throttle
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address

RECEIVED = "access_wish.received"
_HOUR = timedelta(hours=1)
_PER_ADDRESS_AN_HOUR = 3


class AccessWish(Table):
    """One wish between the post and its decision, some seconds later; then it is deleted."""

    __tablename__ = "access_wish"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    email_key: Mapped[str] = mapped_column(String(320))
    received_at: Mapped[datetime] = columns.created_at()


def receive(session: Session, organisation: Organisation, typed: str, network: str | None, limits: Limits) -> None:
    """Store a wish, unless its network or its address wishes too often. Raises Invalid when ``typed`` is no address."""
    parsed = address.parse(typed)
    by_network = throttle.allow(session, "access", network or "unknown", limits.signups_per_hour, _HOUR)
    by_address = throttle.allow(session, "access-address", parsed.canon, _PER_ADDRESS_AN_HOUR, _HOUR)
    if not (by_network and by_address):
        return
    made = AccessWish(organisation_id=organisation.id, email_key=parsed.key)
    session.add(made)
    session.flush()
    outbox.write(session, RECEIVED, made.id, Lane.URGENT)


def decide(session: Session, wish_id: int) -> None:
    """Have the link mailed when the address is known, and forget the wish; deciding twice changes nothing."""
    wish = session.get(AccessWish, wish_id)
    if wish is None:
        return
    person = subscriber.with_address(session, wish.organisation_id, wish.email_key)
    if person is not None:
        access_link.ask(session, person)
    session.delete(wish)
    session.flush()
