"""What becomes of a report that comes in: kept, there already, or refused in words; and whose domain it is about.

Reports of every kind share this. One is ours when its domain is a sending
domain, or stands above or below one: a policy at shop.example covers mail from
news.shop.example, and the other way round a name below is ours to answer for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import language
from listkeeper.foundation.table import Table
from listkeeper.standards import dmarc_walk, public_suffix

# Figures of a year can be compared with those of the year before; what may tell of a person goes much sooner.
KEPT = timedelta(days=400)
FAILURES_KEPT = timedelta(days=30)
LONGEST_NAME = 253
LONGEST_TEXT = 200
# More than any receiver sees; and sums of it still fit into what a database counts with.
_MOST_COUNTED = 10_000_000_000


class ReportKind(StrEnum):
    """The words scripts rely on."""

    AGGREGATE = "aggregate"
    FAILURE = "failure"
    TLS = "tls"


@dataclass(frozen=True)
class Kept:
    """A report that is kept now: who sent it, about which domain, and how many messages (or sessions) it counts."""

    kind: ReportKind
    sender: str
    domain: str
    begin: datetime | None
    end: datetime | None
    counted: int


@dataclass(frozen=True)
class Duplicate:
    """A report that was kept before; nothing was changed."""

    kind: ReportKind
    sender: str
    domain: str


@dataclass(frozen=True)
class Refused:
    """Why a report is not kept: a code that never changes its meaning, and a sentence for people.

    Beside the codes of the readers: ``not_ours``, ``too_old``, ``count`` (it speaks of more than there can be).
    """

    code: str
    reason: str


Outcome = Kept | Duplicate | Refused


def is_ours(session: Session, organisation_id: int, name: str) -> bool:
    """Return whether a name (A-label) is a sending domain of the organisation, or stands above or below one."""
    query = select(SendingDomain.name).where(SendingDomain.organisation_id == organisation_id)
    return any(_belong_together(name, ours) for ours in session.scalars(query))


def _belong_together(name: str, ours: str) -> bool:
    # A registry's name stands above everybody's.
    above = is_at_or_below(ours, name) and not public_suffix.is_suffix(name)
    return name == ours or above or is_at_or_below(name, ours)


def is_at_or_below(name: str, above: str) -> bool:
    """Return whether a name is another one, or below it."""
    return bool(above) and (name == above or name.endswith(f".{above}"))


def at_or_below(column: InstrumentedAttribute[str], name: str) -> ColumnElement[bool]:
    """Return the condition that a column names a domain, or one below it."""
    return or_(column == name, column.endswith(f".{name}", autoescape=True))


def named(domain: str) -> str | None:
    """Return a domain as it is kept, an A-label in small letters; None for what is longer than any name."""
    name = dmarc_walk.normal(domain)
    return name if 0 < len(name) <= LONGEST_NAME else None


def cut(text: str, most: int = LONGEST_TEXT) -> str:
    """Return a stranger's text as long as a column takes it; the readers made one printable line of it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def identity(*parts: str) -> str:
    """Return by what a report is known again: a digest, because its parts are as long as strangers like."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def add(session: Session, table: type[Table], values: dict[str, Any]) -> int | None:
    """Store the head of a report; return its row number, None when one of this identity is there already.

    In one statement, so that two who bring the same report at once do not both keep it.
    """
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    number = table.__table__.c.id
    found = session.scalar(insert(table).values(values).on_conflict_do_nothing().returning(number))
    return None if found is None else int(found)


def not_ours(names: Iterable[str]) -> Refused:
    """Refuse a report about a stranger's domain."""
    shown = ", ".join(cut(name) for name in list(names)[:3])
    words = language.text("It is about %(domain)s, which is none of your domains.", domain=shown)
    return Refused("not_ours", words)


def too_old(kept: timedelta) -> Refused:
    """Refuse a report that would have been deleted again by now."""
    words = language.counted(
        "It is older than %(number)s day, after which such reports are deleted.",
        "It is older than %(number)s days, after which such reports are deleted.",
        kept.days,
    )
    return Refused("too_old", words)


def uncountable(counted: int) -> Refused | None:
    """Refuse a report that speaks of more messages or sessions than there can be; None for any other."""
    if counted <= _MOST_COUNTED:
        return None
    return Refused("count", language.text("It speaks of more mail than there can be."))
