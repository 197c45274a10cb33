"""A fresh link to a subscriber's own page, mailed to her address: used once, for a quarter of an hour.

Whoever holds a forwarded newsletter can at most leave a list. To download,
change or erase, the address itself must answer: such a link goes to it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, columns, outbox, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

ASKED = "access_link.asked"
LIFETIME = timedelta(minutes=15)
# Once opened by its button, the page stays usable for as long as a person needs to read it.
VISIT = timedelta(minutes=30)
A_DAY = 3


class AccessLink(Table):
    """One mailed link; the database holds digests only."""

    __tablename__ = "access_link"

    id: Mapped[int] = columns.row_id()
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    seed: Mapped[str] = mapped_column(String(32))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    visit_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = columns.created_at()
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def live(self) -> bool:
        """Whether the link can still be used."""
        return self.used_at is None and self.created_at + LIFETIME > clock.now()


def ask(session: Session, subscriber: Subscriber) -> AccessLink | None:
    """Store a link and the fact that it waits to be mailed; None when the day's three are used up."""
    since = clock.now() - timedelta(days=1)
    query = select(func.count()).select_from(AccessLink)
    asked = session.scalar(query.where(AccessLink.subscriber_id == subscriber.id, AccessLink.created_at > since))
    if subscriber.erased_at is not None or (asked or 0) >= A_DAY:
        return None
    seed = secrets.token_hex(16)
    made = AccessLink(subscriber_id=subscriber.id, seed=seed, token_digest=signing.digest(_token(seed)))
    session.add(made)
    session.flush()
    outbox.write(session, ASKED, made.id, Lane.URGENT)
    return made


def _token(seed: str) -> str:
    return signing.derived("access-link", seed)


def token_of(link: AccessLink) -> str:
    """Return the secret of the link, made again from the key folder."""
    return signing.derived_as("access-link", link.seed, link.token_digest)


def find(session: Session, token: str) -> AccessLink | None:
    """Return the link of a secret, whatever its state; changes nothing."""
    return session.scalars(select(AccessLink).where(AccessLink.token_digest == signing.digest(token))).first()


def use(session: Session, token: str) -> str | None:
    """Take the link's button: return the secret of the visit, once; None when it has no effect."""
    query = select(AccessLink).where(AccessLink.token_digest == signing.digest(token)).with_for_update()
    link = session.scalars(query.execution_options(populate_existing=True)).first()
    if link is None or not link.live:
        return None
    visit = secrets.token_urlsafe(24)
    link.used_at, link.visit_digest = clock.now(), signing.digest(visit)
    return visit


def visitor(session: Session, visit: str) -> Subscriber | None:
    """Return who a visit belongs to, while it lasts."""
    found = select(AccessLink).where(AccessLink.visit_digest == signing.digest(visit))
    link = session.scalars(found).first()
    if link is None or link.used_at is None or link.used_at + VISIT < clock.now():
        return None
    person = session.get(Subscriber, link.subscriber_id)
    return person if person is not None and person.erased_at is None else None


def close_all(session: Session, subscriber_id: int) -> None:
    """End every link and every open page of a person: whoever had her mailbox for a while has nothing left to use."""
    theirs = update(AccessLink).where(AccessLink.subscriber_id == subscriber_id)
    session.execute(theirs.values(used_at=func.coalesce(AccessLink.used_at, clock.now()), visit_digest=None))
