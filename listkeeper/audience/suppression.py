"""Whom we must not write to: keyed hashes that outlive the address itself.

A suppression is keyed by HMAC-SHA256 of the identity key under a pepper from
the key folder, so it survives erasure, list deletion and restore without
holding anybody's address. Nothing here lifts one but a new confirmation by
the same person.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    and_,
    bindparam,
    exists,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import Table as Schema
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import clock, columns, keys, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

ADDED = "suppression.added"


class Reason(StrEnum):
    """Why somebody is on the list."""

    UNSUBSCRIBED = "unsub"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    HARD_BOUNCE = "hard_bounce"
    ERASURE = "erasure"
    MANUAL = "manual"
    LEGAL = "legal"
    NOT_ME = "not_me"


ALL = "all"
MARKETING = "marketing"
CONFIRMATIONS = "doi"
# How the actor of a hold begins: mail came back.
FEEDBACK = "feedback:"


def list_scope(list_id: int) -> str:
    """Return the scope that covers one mailing list only."""
    return f"list:{list_id}"


def marketing_scopes(list_id: int, purpose: str) -> frozenset[str]:
    """Return every scope that keeps a letter to this list from going: plan, gate and lifting ask the same ones."""
    return frozenset({ALL, MARKETING, f"purpose:{purpose}", list_scope(list_id)})


class Suppression(Table):
    """One reason not to write to one keyed hash within one scope."""

    __tablename__ = "suppression"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    key: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(64))
    reason: Mapped[Reason] = columns.enum(Reason)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Who asked for it: ``subscriber``, ``user:…``, ``api:…``, ``import:…``, ``feedback:…``.
    actor: Mapped[str] = mapped_column(String(80), default="subscriber", server_default="subscriber")
    created_at: Mapped[datetime] = columns.created_at()
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether the journal outside the database has it, so that a restored backup does not forget it.
    journaled: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        Index("ix_suppression_key", "organisation_id", "key"),
        Index(
            "ix_suppression_not_journaled",
            "id",
            postgresql_where=journaled.is_(False),
            sqlite_where=journaled.is_(False),
        ),
        # Asked again and again while a letter is under way; the condition has its word in it, and no parameter.
        Index(
            "ix_suppression_complaint",
            "created_at",
            postgresql_where=text("reason = 'complaint'"),
            sqlite_where=text("reason = 'complaint'"),
        ),
    )


IS_COMPLAINT = Suppression.reason == literal_column(f"'{Reason.COMPLAINT.value}'")


def key_of(organisation_id: int, email_key: str) -> str:
    """Return the keyed hash of an identity key (64 hex digits).

    The oldest pepper is used: entries hashed under it cannot be hashed again
    once the address is gone, so it stays in use for ever.
    """
    return hmac.digest(keys.suppression(organisation_id)[-1], email_key.encode(), "sha256").hex()


def add(  # noqa: PLR0913 - the columns of a suppression
    session: Session,
    organisation_id: int,
    key: str,
    *,
    scope: str,
    reason: Reason,
    until: datetime | None = None,
    subject: str = "",
    actor: str = "subscriber",
) -> bool:
    """Suppress a keyed hash and return True; the same live suppression is not stored twice (False).

    ``subject`` is the reference of the person when she is known, for the ledger; the key itself never goes there.
    """
    wanted = Entry(key, scope, reason, until, subject, actor)
    return bool(add_all(session, organisation_id, [wanted]))


@dataclass(frozen=True)
class Entry:
    """What ``add_all`` is to store; the columns of a suppression, and the reference of the person for the ledger."""

    key: str
    scope: str
    reason: Reason
    until: datetime | None = None
    subject: str = ""
    actor: str = "subscriber"


def add_all(session: Session, organisation_id: int, wanted: Sequence[Entry]) -> list[Entry]:
    """Suppress several keyed hashes at once, as ``add`` does each, and return those that were not stored already."""
    new = lacking(session, organisation_id, wanted)
    ledger.append(session, organisation_id, told(new))
    store(session, organisation_id, new)
    return new


def lacking(session: Session, organisation_id: int, wanted: Sequence[Entry]) -> list[Entry]:
    """Return what of it is not stored already, for who tells the ledger more in the same breath; then ``store``."""
    asked = {"of": organisation_id, "keys": sorted({entry.key for entry in wanted})}
    known: dict[tuple[str, str, Reason], list[datetime | None]] = {}
    for key, scope, reason, until in session.execute(_KNOWN, asked):
        known.setdefault((key, scope, reason), []).append(until)
    new = []
    for entry in wanted:
        ends = known.setdefault((entry.key, entry.scope, entry.reason), [])
        if not any(_lasts_as_long(until, entry.until) for until in ends):
            ends.append(entry.until)
            new.append(entry)
    return new


# Built once: that takes longer than running them, and whoever leaves must be quick.
_KNOWN = select(Suppression.key, Suppression.scope, Suppression.reason, Suppression.until).where(
    Suppression.organisation_id == bindparam("of"),
    Suppression.key.in_(bindparam("keys", expanding=True)),
    Suppression.lifted_at.is_(None),
)
_ADD = insert(cast("Schema", Suppression.__table__))
_ADD_NEWEST = _ADD.returning(cast("Schema", Suppression.__table__).c.id)


def _lasts_as_long(known: datetime | None, until: datetime | None) -> bool:
    return known is None if until is None else known is not None and known >= until


def told(new: Sequence[Entry]) -> list[Event]:
    """Return what the ledger is to be told of new entries."""
    return [
        Event(
            EventType.SUPPRESSED,
            subject=entry.subject,
            actor=entry.actor,
            expires_at=entry.until,
            details={"scope": entry.scope, "reason": entry.reason.value},
        )
        for entry in new
    ]


def store(session: Session, organisation_id: int, new: Sequence[Entry]) -> None:
    """Store entries that the ledger has heard of; who keeps the journal is told once, and finds all that waits."""
    if not new:
        return
    rows = [
        {
            "organisation_id": organisation_id,
            "key": entry.key,
            "scope": entry.scope,
            "reason": entry.reason,
            "until": entry.until,
            "actor": entry.actor,
        }
        for entry in new
    ]
    *older, newest = rows
    connection = session.connection()
    if older:
        connection.execute(_ADD, older)
    outbox.write(session, ADDED, connection.scalars(_ADD_NEWEST, newest).one(), Lane.URGENT)


def live(moment: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Return the SQL condition "this suppression holds at a moment"."""
    return and_(Suppression.lifted_at.is_(None), or_(Suppression.until.is_(None), Suppression.until > moment))


def covers(
    organisation_id: InstrumentedAttribute[int] | int, key: InstrumentedAttribute[str] | str, scopes: Iterable[str]
) -> ColumnElement[bool]:
    """Return the SQL condition "a live suppression in one of these scopes covers this key"."""
    return exists().where(
        Suppression.organisation_id == organisation_id,
        Suppression.key == key,
        Suppression.scope.in_(list(scopes)),
        live(clock.now()),
    )


def reasons(session: Session, organisation_id: int, key: str) -> list[Suppression]:
    """Return the live suppressions of a key, whatever their scope."""
    query = select(Suppression).where(
        Suppression.organisation_id == organisation_id, Suppression.key == key, live(clock.now())
    )
    return list(session.scalars(query))


def reasons_of(session: Session, organisation_id: int, keys: Collection[str]) -> dict[str, list[Suppression]]:
    """Return the live entries of several keys, by key; of most there are none."""
    query = select(Suppression).where(
        Suppression.organisation_id == organisation_id, Suppression.key.in_(keys), live(clock.now())
    )
    found: dict[str, list[Suppression]] = {}
    for row in session.scalars(query.order_by(Suppression.id)):
        found.setdefault(row.key, []).append(row)
    return found


def has_complained(session: Session, organisation_id: int, key: str) -> bool:
    """Return whether whoever has this key once called our mail spam."""
    return any(row.reason is Reason.COMPLAINT for row in reasons(session, organisation_id, key))


def counts(session: Session, organisation_id: int) -> dict[Reason, int]:
    """Return how many addresses are never mailed, by the reason; an address may have several."""
    query = (
        select(Suppression.reason, func.count(func.distinct(Suppression.key)))
        .where(Suppression.organisation_id == organisation_id, live(clock.now()))
        .group_by(Suppression.reason)
    )
    return {row[0]: row[1] for row in session.execute(query)}


# What a new form and confirmation by the same person lifts; a legal hold and "that was not me" stay.
LIFTED_BY_CONFIRMING = frozenset(Reason) - {Reason.LEGAL, Reason.NOT_ME}
# What the person herself has said; the rest others said, or happened.
HER_OWN_WORD = frozenset({Reason.UNSUBSCRIBED, Reason.OBJECTION, Reason.COMPLAINT, Reason.ERASURE})
# An undo takes back its own leave and nothing else.
LIFTED_BY_UNDO = frozenset({Reason.UNSUBSCRIBED})


def lift_holds(session: Session, organisation_id: int, key: str, *, subject: str, actor: str) -> int:
    """Lift what was held back because mail came back, and return how many; only ``undeliverable.release`` calls this.

    It was no word of the person, and may have been a mistake of ours. What a file of another tool said stays.
    """
    return _lift(
        session,
        organisation_id,
        key,
        (Suppression.reason == Reason.HARD_BOUNCE, Suppression.actor.startswith(FEEDBACK)),
        subject=subject,
        actor=actor,
    )


def lift(  # noqa: PLR0913, PLR0917 - whose, where, which, and what the ledger says of it
    session: Session, organisation_id: int, key: str, scopes: Iterable[str], of: Iterable[Reason], subject: str = ""
) -> None:
    """Lift what a person's own act lifts; only ``confirmation`` and ``unsubscribe.undo`` call this."""
    chosen = (Suppression.scope.in_(list(scopes)), Suppression.reason.in_(list(of)))
    _lift(session, organisation_id, key, chosen, subject=subject, actor="subscriber")


def _lift(  # noqa: PLR0913 - whose, which, who lifts it, and what the ledger says of it
    session: Session, organisation_id: int, key: str, chosen: Sequence[ColumnElement[bool]], *, subject: str, actor: str
) -> int:
    hers = (Suppression.organisation_id == organisation_id, Suppression.key == key, Suppression.lifted_at.is_(None))
    lifted = session.execute(
        update(Suppression)
        .where(*hers, *chosen)
        .values(lifted_at=clock.now())
        .returning(Suppression.scope, Suppression.reason)
    ).all()
    events = [
        Event(EventType.LIFTED, subject=subject, actor=actor, details={"scope": row.scope, "reason": row.reason.value})
        for row in lifted
    ]
    ledger.append(session, organisation_id, events)
    return len(lifted)
