"""The running totals of what was done with letters, so that no report looks through visits.

A count is a row more and never a change, as in ``sending.tally``; the counts of
one letter are folded together once there are enough of them. They hold numbers
alone, only grow, and stay when a person's visits are let go of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, String, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import mail_provider
from listkeeper.foundation import columns
from listkeeper.foundation.compiled_once import CompiledOnce
from listkeeper.foundation.table import Table
from listkeeper.sending import tally
from listkeeper.sending.link_visit import Verdict

# Whose mail it was nobody knows, and so not where either.
UNKNOWN = tally.provider_kind(None)
_NEWEST = 5_000
_WORTH_FOLDING = 100
# How many rows there are for one number before it is worth the work.
_TIMES = 2


class What(StrEnum):
    """What one number counts."""

    # Mails that arrived, and whose links are counted (``counted_copy``).
    COUNTED = "counted"
    # Those of them that hold the picture: what is opened is known of no others.
    PICTURED = "pictured"
    # Mails of which a human followed at least one link.
    CLICKER = "clicker"
    CLICK_HUMAN = "click_human"
    CLICK_MACHINE = "click_machine"
    CLICK_UNKNOWN = "click_unknown"
    OPEN_HUMAN = "open_human"
    OPEN_MACHINE = "open_machine"
    OPEN_UNKNOWN = "open_unknown"


CLICKS = {
    Verdict.HUMAN: What.CLICK_HUMAN, Verdict.MACHINE: What.CLICK_MACHINE, Verdict.UNKNOWN: What.CLICK_UNKNOWN,
}  # fmt: skip
OPENS = {Verdict.HUMAN: What.OPEN_HUMAN, Verdict.MACHINE: What.OPEN_MACHINE, Verdict.UNKNOWN: What.OPEN_UNKNOWN}


class Key(NamedTuple):
    """What a number is about; ``link_id`` is 0 where it is of no link."""

    campaign_id: int
    revision_id: int
    link_id: int
    provider: str
    what: What


class EngagementTally(Table):
    """One count; the sum of all of a key is what is told. No foreign keys: a count outlives its letter."""

    __tablename__ = "engagement_tally"

    id: Mapped[int] = columns.row_id()
    campaign_id: Mapped[int] = mapped_column(columns.RowId)
    revision_id: Mapped[int] = mapped_column(columns.RowId)
    link_id: Mapped[int] = mapped_column(columns.RowId)
    provider: Mapped[str] = mapped_column(String(mail_provider.LONGEST))
    what: Mapped[What] = columns.enum(What)
    number: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_engagement_tally_campaign", "campaign_id"),
        Index("ix_engagement_tally_revision", "revision_id"),
    )


_ADD = CompiledOnce(insert(EngagementTally), *Key._fields, "number")
_KEY = tuple(getattr(EngagementTally, name) for name in Key._fields)


def add(session: Session, numbers: Mapping[Key, int]) -> None:
    """Count in the caller's transaction."""
    rows = [{**key._asdict(), "number": number} for key, number in numbers.items() if number]
    if rows:
        _ADD.each(session.connection(), rows)


def sums(session: Session, *grouped: str, **which: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - values of columns
    """Return each number that is asked for: the named columns, what it counts, and how many.

    ``which`` are the columns that must have a value, as ``campaign_id=7``.
    """
    keys = [getattr(EngagementTally, name) for name in grouped]
    query = (
        select(*keys, EngagementTally.what, func.sum(EngagementTally.number))
        .where(*(getattr(EngagementTally, name) == value for name, value in which.items()))
        .group_by(*keys, EngagementTally.what)
    )
    return [(*row[:-1], int(row[-1])) for row in session.execute(query)]


def worth_folding(session: Session) -> list[int]:
    """Return the letters that have many rows for each of their numbers, by the newest rows."""
    newest = session.execute(select(*_KEY).order_by(EngagementTally.id.desc()).limit(_NEWEST)).all()
    rows = Counter(row[0] for row in newest)
    keys = Counter(key[0] for key in {tuple(row) for row in newest})
    return [number for number, many in rows.items() if many > _WORTH_FOLDING and many > _TIMES * keys[number]]


def fold(session: Session, campaign_ids: Iterable[int]) -> None:
    """Put the counts of letters together, one row a key. What others count meanwhile is none of ours."""
    for number in campaign_ids:
        folded: Counter[Key] = Counter()
        taken = delete(EngagementTally).where(EngagementTally.campaign_id == number)
        for row in session.execute(taken.returning(*_KEY, EngagementTally.number)):
            folded[Key(*row[:-1])] += row[-1]
        add(session, folded)
