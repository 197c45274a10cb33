"""Posted events: what the owner's shop or till tells us that a person did, such as an order.

An event has a name of the owner's own choosing and, for an order, an amount in
minor units of a currency. It is about somebody who is known already; it makes
nobody a subscriber and gives no permission. Follow-ups begin with it, segments
ask for it, and the report of a letter counts it as what came of the letter.

An amount is never negative: what was paid back is an event called ``refund``,
whose money is taken off where money is added up. An event by the link of a
letter whose reader is not counted by name belongs to the letter and to nobody.
Where the shop says all the same whose it is, it is hers and of no letter, and
the letter counts it without her (``event_count``): no row holds both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, delete, false, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience import event_count
from listkeeper.audience.event_count import LONGEST_NAME
from listkeeper.foundation import clock, columns, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

# A fact about one posted event, on the lane of background work.
POSTED = "posted_event.posted"
LONGEST_ID = 100
# What a shop may call an event; segments and follow-ups name it by the same signs.
NAME = re.compile(rf"[a-z0-9_-]{{1,{LONGEST_NAME}}}", re.ASCII)
# Its money was paid back.
REFUND = "refund"
_FORGOTTEN = "forgotten:"


class PostedEvent(Table):
    """One thing that happened."""

    __tablename__ = "posted_event"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    # Empty for what came by an anonymous link, and once its person was forgotten.
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscriber.id"))
    # As "order" or "visit".
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    # What makes it the same thing told twice: the order's number, say.
    external_id: Mapped[str] = mapped_column(String(LONGEST_ID))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)
    # Minor units (øre, cent); empty where no money is in it.
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    # The letter it is counted for, where a link's parameter said so; 0 for none.
    campaign_id: Mapped[int] = mapped_column(columns.RowId, default=0)
    # Counted for a letter that is not named here, because it is not hers by name (``event_count``).
    apart: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        UniqueConstraint("organisation_id", "name", "external_id"),
        Index("ix_posted_event_subscriber", "subscriber_id", "name", "at"),
        Index("ix_posted_event_campaign", "campaign_id", "name"),
        Index("ix_posted_event_name", "organisation_id", "name", "at", "subscriber_id"),
    )


class Sum(NamedTuple):
    """What came of a letter under one name: how often, and how much money (0 and no currency where none is in it)."""

    name: str
    currency: str
    number: int
    amount: int


def of_person(session: Session, subscriber_id: int, most: int = 100) -> list[PostedEvent]:
    """Return what a person did, the newest first."""
    hers = select(PostedEvent).where(PostedEvent.subscriber_id == subscriber_id)
    return list(session.scalars(hers.order_by(PostedEvent.at.desc(), PostedEvent.id.desc()).limit(most)))


def of_campaign(session: Session, campaign_id: int) -> list[Sum]:
    """Return what came of a letter by name and currency, what came most often first."""
    query = (
        select(PostedEvent.name, PostedEvent.currency, func.count(), func.sum(PostedEvent.amount))
        .where(PostedEvent.campaign_id == campaign_id)
        .group_by(PostedEvent.name, PostedEvent.currency)
    )
    found = dict(event_count.of_campaign(session, campaign_id))
    for name, currency, number, amount in session.execute(query):
        key = event_count.Key(campaign_id, name, currency or "")
        before = found.get(key, (0, 0))
        found[key] = before[0] + number, before[1] + int(amount or 0)
    sums = [Sum(key.name, key.currency, *counted) for key, counted in found.items()]
    return sorted(sums, key=lambda each: (-each.number, each.name, each.currency))


def income(sums: list[Sum]) -> Mapping[str, int]:
    """Return the money of some sums by currency, in minor units, what was paid back taken off."""
    found: dict[str, int] = {}
    for each in sums:
        if each.currency:
            signed = -each.amount if each.name == REFUND else each.amount
            found[each.currency] = found.get(each.currency, 0) + signed
    return found


def forgotten_name(organisation_id: int, name: str, external_id: str) -> str:
    """Return what stands for the number of an event once its person was forgotten: nobody can read the number in it.

    It keeps the same event from being counted again when the shop tells it once more.
    """
    return _FORGOTTEN + signing.keyed_digest("posted-event", f"{organisation_id}:{name}:{external_id}")


def forget(session: Session, subscriber_id: int) -> None:
    """Let go of a person: what a letter brought stays as a number of nobody's, everything else goes."""
    hers = PostedEvent.subscriber_id == subscriber_id
    counted = or_(PostedEvent.campaign_id != 0, PostedEvent.apart)
    gone = delete(PostedEvent).where(hers, ~counted)
    session.execute(gone, execution_options={"synchronize_session": False})
    for row in session.scalars(select(PostedEvent).where(hers)):
        row.external_id = forgotten_name(row.organisation_id, row.name, row.external_id)
        row.subscriber_id = None
    session.flush()
