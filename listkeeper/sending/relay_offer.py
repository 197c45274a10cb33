"""What each way to send offered when a worker last spoke with it, for those who never speak with it themselves.

A form takes an address with letters beyond ASCII before the @ only when one of
our ways is known to carry it (RFC 6531). Not known, or not asked for two days,
counts as no.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import String, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

_BELIEVED = timedelta(days=2)


class RelayOffer(Table):
    """One way by its name, and whether it offered SMTPUTF8."""

    __tablename__ = "relay_offer"

    relay: Mapped[str] = mapped_column(String(300), primary_key=True)
    smtputf8: Mapped[bool] = mapped_column()
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


def note(session: Session, relay: str, *, smtputf8: bool) -> None:
    """Store what a way has just offered."""
    seen = {"smtputf8": smtputf8, "seen_at": clock.now()}
    known = update(RelayOffer).where(RelayOffer.relay == relay[:300]).values(**seen).returning(RelayOffer.relay)
    if session.scalar(known) is None:
        # Two workers may see a way for the first time at once, and see the same.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.execute(insert(RelayOffer).values(relay=relay[:300], **seen))


def carries(session: Session, relays: Collection[str], typed: str) -> bool:
    """Return whether one of these ways is known to carry an address: all do when it is ASCII, else those that said."""
    if typed.isascii():
        return True
    since = clock.now() - _BELIEVED
    known = select(RelayOffer.relay).where(
        RelayOffer.relay.in_([relay[:300] for relay in relays]), RelayOffer.smtputf8, RelayOffer.seen_at > since
    )
    return session.scalar(known.limit(1)) is not None


def last_seen(session: Session, relays: Collection[str]) -> dict[str, datetime]:
    """Return when each of these ways was last known to answer; one that nobody spoke with yet is not there."""
    query = select(RelayOffer.relay, RelayOffer.seen_at).where(RelayOffer.relay.in_([name[:300] for name in relays]))
    return {row.relay: row.seen_at for row in session.execute(query)}
