"""What our mail server offered when a worker last spoke with it, for those who never speak with it themselves.

A form takes an address with letters beyond ASCII before the @ only when our
server is known to carry it (RFC 6531). Not known, or not asked for two days,
counts as no.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from sqlalchemy import String, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

_BELIEVED = timedelta(days=2)


class RelayOffer(Table):
    """One mail server by where it is, and whether it offered SMTPUTF8."""

    __tablename__ = "relay_offer"

    relay: Mapped[str] = mapped_column(String(300), primary_key=True)
    smtputf8: Mapped[bool] = mapped_column()
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


def note(session: Session, relay: str, *, smtputf8: bool) -> None:
    """Store what a server has just offered."""
    seen = {"smtputf8": smtputf8, "seen_at": clock.now()}
    known = update(RelayOffer).where(RelayOffer.relay == relay[:300]).values(**seen).returning(RelayOffer.relay)
    if session.scalar(known) is None:
        # Two workers may see a server for the first time at once, and see the same.
        with contextlib.suppress(IntegrityError), session.begin_nested():
            session.execute(insert(RelayOffer).values(relay=relay[:300], **seen))


def carries(session: Session, relay: str, typed: str) -> bool:
    """Return whether a server is known to carry an address: all do when it is ASCII, and else those that said so."""
    if typed.isascii():
        return True
    known = session.get(RelayOffer, relay[:300])
    return known is not None and known.smtputf8 and known.seen_at > clock.now() - _BELIEVED
