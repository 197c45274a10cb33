"""A subscriber: one address of one organisation, and what it told us."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import suppression
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import clock, columns, ids, language, outbox
from listkeeper.foundation.among import among
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid, NotFound
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import address
from listkeeper.standards.address import Address

RESTRICTION = "subscriber.restriction_changed"


# Whom nobody writes to and nobody counts: her data is kept and not used, or it is gone.
_APART = text("restricted_at IS NOT NULL OR erased_at IS NOT NULL")


class Subscriber(Table):
    """One person as far as we know: an address, a random reference, nothing invented."""

    __tablename__ = "subscriber"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("sub")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_ref: Mapped[str] = mapped_column(String(32), default=ids.subject_reference, unique=True)
    email_send: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320))
    # HMAC of email_key: the gate and the plan join it with the suppression list in SQL.
    suppression_key: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    # Where she lives, as far as she told; never derived from an address, a language or a network.
    time_zone: Mapped[str | None] = mapped_column(String(64))
    profile: Mapped[dict[str, Any]] = mapped_column(columns.Json, default=dict)
    demo: Mapped[bool] = mapped_column(default=False)
    # When she said that our letters lie in the first place of her mail program now: they ask her no more.
    inbox_done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    restricted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (
        UniqueConstraint("organisation_id", "email_key"),
        Index("ix_subscriber_suppression_key", "organisation_id", "suppression_key"),
        # Who speaks a language, in their order (``segment_count``).
        Index("ix_subscriber_language", "organisation_id", "language", "id"),
        # Few are set apart, and whoever counts people (``segment_query``) leaves them out.
        Index("ix_subscriber_apart", "id", postgresql_where=_APART, sqlite_where=_APART),
    )


def with_address(session: Session, organisation_id: int, email_key: str) -> Subscriber | None:
    """Return the organisation's subscriber with an identity key, if any."""
    query = select(Subscriber).where(Subscriber.organisation_id == organisation_id, Subscriber.email_key == email_key)
    return session.scalars(query).first()


def with_reference(session: Session, organisation_id: int, subject_ref: str) -> Subscriber | None:
    """Return the organisation's subscriber with a subject reference; None for one who was erased."""
    query = select(Subscriber).where(
        Subscriber.organisation_id == organisation_id, Subscriber.subject_ref == subject_ref
    )
    return session.scalars(query).first()


def ensure(session: Session, organisation: Organisation, parsed: Address, spoken: str) -> Subscriber:
    """Return the subscriber of an address, made when new. An existing one is left as it is."""
    return ensure_all(session, organisation, [parsed], spoken)[parsed.key]


def ensure_all(
    session: Session, organisation: Organisation, addresses: Iterable[Address], spoken: str
) -> dict[str, Subscriber]:
    """Return the subscribers of several addresses by their keys, those made that are new."""
    wanted = {parsed.key: parsed for parsed in addresses}
    query = select(Subscriber).where(
        Subscriber.organisation_id == organisation.id, Subscriber.email_key.in_(list(wanted))
    )
    found = {known.email_key: known for known in session.scalars(query)}
    for key, parsed in wanted.items():
        if key not in found:
            found[key] = Subscriber(
                organisation_id=organisation.id,
                email_send=parsed.send,
                email_key=key,
                suppression_key=suppression.key_of(organisation.id, key),
                language=language.known(spoken),
            )
            session.add(found[key])
    session.flush()
    return found


def named(session: Session, organisation: Organisation, typed: str) -> Subscriber:
    """Return the subscriber with an address or a public id. Raises NotFound."""
    query = select(Subscriber).where(Subscriber.organisation_id == organisation.id)
    if "@" in typed:
        query = query.where(Subscriber.email_key == address.parse(typed).key)
    else:
        query = query.where(Subscriber.public_id == typed)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("no_subscriber", language.text("There is nobody with this address on your lists."))
    return found


def live_in(subscriber: Subscriber, zone: str) -> None:
    """Note in which time zone a person lives, by its IANA name; an empty one: not known. Raises Invalid."""
    named_zone = zone.strip()
    if named_zone and named_zone not in available_timezones():
        raise Invalid("time_zone", language.text("There is no time zone “%(zone)s”.", zone=named_zone[:60]))
    subscriber.time_zone = named_zone or None


def count(session: Session, organisation: Organisation) -> int:
    """Return how many subscribers the organisation knows, in whatever state."""
    query = select(func.count()).select_from(Subscriber).where(Subscriber.organisation_id == organisation.id)
    return session.scalar(query) or 0


def restrict(session: Session, subscriber: Subscriber, *, actor: str) -> None:
    """Keep a person's data and write to her no more (GDPR Art. 18), e.g. while a dispute lasts."""
    if subscriber.restricted_at is None:
        subscriber.restricted_at = clock.now()
        # What a dispute needs is not shredded while it lasts; when it is over, the clock sets the end anew.
        evidence.limit(session, subscriber.subject_ref, None)
        told = Event(EventType.RESTRICTED, subject=subscriber.subject_ref, actor=actor)
        ledger.append(session, subscriber.organisation_id, [told])
        outbox.write(session, RESTRICTION, subscriber.id, Lane.URGENT)


def unrestrict(session: Session, subscriber: Subscriber, *, actor: str) -> None:
    """End a restriction. It raises nothing: what was agreed to before counts again, and no more."""
    if subscriber.restricted_at is not None:
        subscriber.restricted_at = None
        told = Event(EventType.UNRESTRICTED, subject=subscriber.subject_ref, actor=actor)
        ledger.append(session, subscriber.organisation_id, [told])
        outbox.write(session, RESTRICTION, subscriber.id, Lane.URGENT)


def hold(session: Session, subscriber_id: int, *, to_delete: bool = False) -> Subscriber | None:
    """Lock a person's row, as the gate does, and return it fresh: nobody is mailed while her permission changes."""
    found = hold_all(session, select(Subscriber).where(Subscriber.id == subscriber_id), to_delete=to_delete)
    return found[0] if found else None


def hold_each(session: Session, numbers: Collection[int]) -> list[Subscriber]:
    """Lock people by their numbers, as ``hold_all`` does, and return them fresh."""
    return list(session.scalars(_HOLD_EACH, {"people": sorted(numbers)}))


# Built once: that takes longer than running it, and whoever leaves must be quick.
_HOLD_EACH = (
    select(Subscriber)
    .where(among(Subscriber.id, "people"))
    .order_by(Subscriber.id)
    .with_for_update(of=Subscriber, key_share=True)
    .execution_options(populate_existing=True)
)


def hold_all(session: Session, query: Select[Subscriber], *, to_delete: bool = False) -> list[Subscriber]:
    """Lock the people of a query in id order and return them fresh.

    Whoever changes the permission of several at once holds them all before the first row of the ledger is written:
    those who wait for the end of the chain may hold one of them, and two would wait for each other. Only the row is
    locked and not its key, so that a letter being planned, whose deliveries name her, keeps nobody waiting; who is
    ``to_delete`` is locked with her key, and such letters come first.
    """
    locked = query.order_by(Subscriber.id).with_for_update(of=Subscriber, key_share=not to_delete)
    return list(session.scalars(locked.execution_options(populate_existing=True)))
