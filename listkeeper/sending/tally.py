"""The tally: how many hand-overs ended in which way, counted in the transaction that records them.

Numbers that only grow, for whoever watches from outside; counting a million
rows at every look would cost more than sending them. Each process adds to
rows of its own slot, so that no worker waits for another to count.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import BigInteger, Integer, String, bindparam, func, select
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.handover import MessageClass
from listkeeper.foundation import columns
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import Delivery, DeliveryState

S = DeliveryState
# What is counted: an attempt that was put off as well, which is no end.
COUNTED = frozenset({S.ACCEPTED, S.DEFERRED, S.FAILED, S.REFUSED, S.CANCELLED, S.IN_DOUBT})
# Workers on many machines share so many slots; two that meet in one wait for each other's commit.
_SLOTS = 16
_KEY = ("slot", "outcome", "lane", "message_class", "provider")


@dataclass(frozen=True, order=True)
class Kind:
    """What one number counts: which end, of which mails, at which kind of mailbox provider."""

    outcome: DeliveryState
    lane: Lane
    message_class: MessageClass
    provider: str


class DeliveryTally(Table):
    """One number of one slot."""

    __tablename__ = "delivery_tally"

    slot: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    outcome: Mapped[DeliveryState] = columns.enum(DeliveryState, primary_key=True)
    lane: Mapped[Lane] = columns.enum(Lane, primary_key=True)
    message_class: Mapped[MessageClass] = columns.enum(MessageClass, primary_key=True)
    provider: Mapped[str] = mapped_column(String(24), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


def note(session: Session, rows: Iterable[Delivery]) -> None:
    """Count these rows by the state that they have just reached; those that wait or are under way count nothing."""
    add(session, Counter(kind_of(row) for row in rows if row.state in COUNTED))


def kind_of(row: Delivery) -> Kind:
    """Return what a row counts as."""
    return Kind(row.state, row.lane, row.message_class, provider_kind(row.provider))


def provider_kind(provider: str | None) -> str:
    """Return a provider as it is counted: the small ones, which are called by their domain, are all one.

    There is no end of them, and some bear the name of a person.
    """
    if not provider:
        return "unknown"
    return "other" if "." in provider else provider


def add(session: Session, numbers: Mapping[Kind, int]) -> None:
    """Add to the numbers of this process's slot; call it last, so that nobody waits for us while he holds one."""
    slot = os.getpid() % _SLOTS
    rows = [
        {
            "slot": slot,
            "outcome": kind.outcome,
            "lane": kind.lane,
            "message_class": kind.message_class,
            "provider": kind.provider,
            "number": number,
        }
        # In order, so that two processes of one slot never wait for each other in a circle.
        for kind, number in sorted(numbers.items())
    ]
    if rows:
        session.connection().execute(_adding(session.get_bind().dialect.name), rows)


@cache
def _adding(dialect: str) -> SqliteInsert | PostgresqlInsert:
    """Return the statement that adds, made once: every window runs it."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    row = insert(DeliveryTally).values({name: bindparam(name) for name in (*_KEY, "number")})
    counted = {"number": DeliveryTally.number + row.excluded.number}
    return row.on_conflict_do_update(index_elements=_KEY, set_=counted)


def totals(session: Session) -> dict[Kind, int]:
    """Return every number, all slots together."""
    kinds = (DeliveryTally.outcome, DeliveryTally.lane, DeliveryTally.message_class, DeliveryTally.provider)
    query = select(*kinds, func.sum(DeliveryTally.number)).group_by(*kinds)
    return {Kind(*row[:4]): int(row[4]) for row in session.execute(query)}
