"""The tally: how many hand-overs ended in which way, counted in the transaction that records them.

Numbers that only grow, for whoever watches from outside; counting a million
rows at every look would cost more than sending them. A count is a row more and
never a change, so that no worker waits for another; the timetable folds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, String, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import mail_provider
from listkeeper.foundation import columns
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.sending.delivery import Delivery, DeliveryState

S = DeliveryState
# What is counted: an attempt that was put off as well, which is no end.
COUNTED = frozenset({S.ACCEPTED, S.DEFERRED, S.FAILED, S.REFUSED, S.CANCELLED, S.IN_DOUBT})
# So few rows are added up sooner than folded.
_WORTH_FOLDING = 200


@dataclass(frozen=True, order=True)
class Kind:
    """What one number counts: which end, of which mails, at which kind of mailbox provider."""

    outcome: DeliveryState
    lane: Lane
    message_class: MessageClass
    provider: str


class DeliveryTally(Table):
    """One count; the sum of all of a kind is what is told."""

    __tablename__ = "delivery_tally"

    id: Mapped[int] = columns.row_id()
    outcome: Mapped[DeliveryState] = columns.enum(DeliveryState)
    lane: Mapped[Lane] = columns.enum(Lane)
    message_class: Mapped[MessageClass] = columns.enum(MessageClass)
    provider: Mapped[str] = mapped_column(String(mail_provider.LONGEST))
    number: Mapped[int] = mapped_column(BigInteger)


_ADD = CompiledOnce(insert(DeliveryTally), "outcome", "lane", "message_class", "provider", "number")
_KIND = (DeliveryTally.outcome, DeliveryTally.lane, DeliveryTally.message_class, DeliveryTally.provider)


def note(session: Session, rows: Iterable[Delivery]) -> None:
    """Count these rows by the state that they have just reached; those that wait or are under way count nothing."""
    add(session, Counter(kind_of(row) for row in rows if row.state in COUNTED))


def kind_of(row: Delivery) -> Kind:
    """Return what a row counts as."""
    return Kind(row.state, row.lane, row.message_class, provider_kind(row.provider))


def letter(outcome: DeliveryState, provider: str | None, of_class: MessageClass = MessageClass.MARKETING) -> Kind:
    """Return what a campaign's letter counts as."""
    return Kind(outcome, Lane.SENDING, of_class, provider_kind(provider))


def provider_kind(provider: str | None) -> str:
    """Return a provider as it is counted: the small ones, which are called by their domain, are all one.

    There is no end of them, and some bear the name of a person.
    """
    return mail_provider.kind(provider) if provider else "unknown"


def add(session: Session, numbers: Mapping[Kind, int]) -> None:
    """Count in the caller's transaction."""
    rows = [_values(kind) | {"number": number} for kind, number in numbers.items() if number]
    if rows:
        _ADD.each(session.connection(), rows)


def _values(kind: Kind) -> dict[str, Any]:
    return {"outcome": kind.outcome, "lane": kind.lane, "message_class": kind.message_class, "provider": kind.provider}


def totals(session: Session) -> dict[Kind, int]:
    """Return every number."""
    query = select(*_KIND, func.sum(DeliveryTally.number)).group_by(*_KIND)
    return {Kind(*row[:4]): int(row[4]) for row in session.execute(query)}


def is_long(session: Session) -> bool:
    """Return whether there are so many counts that they should be folded."""
    return (
        session.scalar(select(DeliveryTally.id).order_by(DeliveryTally.id).offset(_WORTH_FOLDING).limit(1)) is not None
    )


def fold(session: Session) -> None:
    """Put the counts together, one row a kind. What others count meanwhile, or fold themselves, is none of ours."""
    folded: Counter[Kind] = Counter()
    for row in session.execute(delete(DeliveryTally).returning(*_KIND, DeliveryTally.number)):
        folded[Kind(*row[:4])] += row[4]
    add(session, folded)
