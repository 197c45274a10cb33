"""The consent ledger: what happened, in one chain per organisation that only grows.

A row is canonical JSON (RFC 8785) and holds no address, name or network: a
random subject reference, hashes of the texts that were shown, a salted
commitment to the evidence. Its hash is an RFC 6962 leaf, and it names the row
before it, so an edit, a gap or a swap shows. ``checkpoint`` signs the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ForeignKey,
    Index,
    String,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy import Table as Schema
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import evidence
from listkeeper.audience.proof.evidence import Piece
from listkeeper.foundation import clock, ids
from listkeeper.foundation.among import given
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json, merkle

VERSION = 1
TILE = 256
# Below a second it is the jitter of several machines, not a clock that was set back.
_JITTER_MILLISECONDS = 1000


class EventType(StrEnum):
    """Everything a ledger row can say."""

    REQUESTED = "consent.requested"
    DOI_HANDED = "doi.handed"
    DOI_ACCEPTED = "doi.accepted"
    DOI_REMINDED = "doi.reminded"
    GIVEN = "consent.given"
    RENEWED = "consent.renewed"
    NARROWED = "consent.narrowed"
    WITHDRAWN = "consent.withdrawn"
    OBJECTED = "consent.objected"
    COMPLAINED = "consent.complained"
    REFUSED = "consent.refused"
    EXPIRED = "consent.expired"
    LAPSED = "consent.lapsed"
    INVALIDATED = "consent.invalidated"
    TRACKING_GIVEN = "tracking.given"
    TRACKING_WITHDRAWN = "tracking.withdrawn"
    COUNTING_GIVEN = "tracking.counting_given"
    COUNTING_WITHDRAWN = "tracking.counting_withdrawn"
    ADDRESS_CHANGED = "address.changed"
    RESTRICTED = "subscriber.restricted"
    UNRESTRICTED = "subscriber.unrestricted"
    ERASED = "subscriber.erased"
    SUPPRESSED = "suppression.added"
    LIFTED = "suppression.lifted"
    IMPORTED = "import.batch"
    TEXT_PUBLISHED = "text.published"
    NOTICE_PUBLISHED = "notice.published"
    FORM_PUBLISHED = "form.published"
    TEMPLATE_PUBLISHED = "template.published"
    LIST_TOMBSTONED = "list.tombstoned"
    LIST_MERGED = "list.merged"
    RETENTION_CHOSEN = "retention.chosen"
    RETENTION_SHREDDED = "retention.shredded"
    RECIPIENT_NOTIFIED = "recipient.notified"
    EVIDENCE_EXPORTED = "evidence.exported"
    KEY_ROTATED = "key.rotated"
    CLOCK_SKEW = "clock.skew"
    FORKED = "ledger.forked"


class LedgerRow(Table):
    """One row; triggers of both databases refuse to change it, to remove it, and to add one out of order."""

    __tablename__ = "ledger"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    # Milliseconds since 1970, UTC; never less than the row before.
    at: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(32))
    record: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))
    prev: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_ledger_subject", "organisation_id", "subject", "seq"),
        # SQLite's hidden rowid is a third key by which INSERT OR REPLACE could take a row away unseen.
        {"sqlite_with_rowid": False},
    )


class LedgerHead(Table):
    """Where an organisation's ledger ends; its row is the lock of the one writer."""

    __tablename__ = "ledger_head"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")
    at: Mapped[int] = mapped_column(BigInteger, default=0)
    # Set when a witness knows more than we do: nothing is sent until the owner has resolved it.
    forked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Up to which row the journal outside the database repeats what only narrows (``restraint``).
    journaled_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class LedgerTile(Table):
    """The hash of a full run of 256 leaves, so that a proof among a million rows reads few of them."""

    __tablename__ = "ledger_tile"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))


# What every append asks and writes, built once: building a statement takes longer than running it, and one commit of
# one event has to be quick.
_ROWS, _HEADS = cast("Schema", LedgerRow.__table__), cast("Schema", LedgerHead.__table__)
_OWNERS = cast("Schema", Organisation.__table__)
_OF: BindParameter[int] = bindparam("of")
_OWNER = select(_OWNERS.c.public_id).where(_OWNERS.c.id == _OF)
_END = select(_HEADS.c.seq, _HEADS.c.hash, _HEADS.c.at).where(_HEADS.c.organisation_id == _OF).with_for_update()
_NEWEST = select(_ROWS.c.id).where(_ROWS.c.organisation_id == _OF, _ROWS.c.subject == bindparam("subject_ref"))
_LAST_OF_ONE = _NEWEST.order_by(_ROWS.c.seq.desc()).limit(1)
_LAST = (
    select(func.max(_ROWS.c.seq).label("seq"))
    .where(_ROWS.c.organisation_id == _OF, _ROWS.c.subject.in_(bindparam("subject", expanding=True)))
    .group_by(_ROWS.c.subject)
    .subquery()
)
_LAST_OF_EACH = select(_ROWS.c.subject, _ROWS.c.id).join(
    _LAST, (_ROWS.c.organisation_id == _OF) & (_ROWS.c.seq == _LAST.c.seq)
)
_ASKED = given("asked", subject=_ROWS.c.subject.type)
_LAST_OF_IT = (
    select(_ROWS.c.id)
    .where(_ROWS.c.organisation_id == _OF, _ROWS.c.subject == _ASKED.c.subject)
    .order_by(_ROWS.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_ONE_BY_ONE = select(_ASKED.c.subject, _LAST_OF_IT)
_ADD = insert(_ROWS)
_ADVANCE = (
    update(_HEADS)
    .where(_HEADS.c.organisation_id == _OF)
    .values(seq=bindparam("to"), hash=bindparam("last"), at=bindparam("moment"))
)


@dataclass(frozen=True)
class Event:
    """What is to be written down. ``evidence`` goes into the vault, only its commitment into the row."""

    type: EventType
    subject: str = ""
    list: str = ""
    purpose: str = ""
    basis: str = ""
    text_sha256: str = ""
    form_sha256: str = ""
    mail_sha256: str = ""
    method: str = ""
    actor: str = "system"
    expires_at: datetime | None = None
    details: Mapping[str, str | int] = field(default_factory=dict)
    evidence: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Written:
    """A row as it was written."""

    seq: int
    id: str
    at: int
    hash: str


def append(session: Session, organisation_id: int, events: Sequence[Event]) -> list[Written]:
    """Append events in order, with their evidence, in the caller's transaction; two writers take turns."""
    if not events:
        return []
    # These statements go past the session: what it has not written yet must be there when they look.
    session.flush()
    head = hold(session, organisation_id)
    moment = clock.in_milliseconds(clock.now())
    if moment < head.at - _JITTER_MILLISECONDS:
        # Time that runs back must neither break the chain nor revive what has expired.
        skew = Event(EventType.CLOCK_SKEW, details={"behind_ms": head.at - moment})
        events = [skew, *events]
    at = max(moment, head.at)
    numbers = [ids.ordered(at) for _ in events]
    commitments = _into_vault(session, organisation_id, events, numbers)
    before = _last_of_subjects(session, organisation_id, {event.subject for event in events if event.subject})
    owner = session.execute(_OWNER, {"of": organisation_id}).scalar_one()
    rows: list[dict[str, Any]] = []
    seq, prev = head.seq, head.hash
    for event, number in zip(events, numbers, strict=True):
        seq += 1
        fields = _fields(event, owner, seq, number, at) | {
            "evidence_commit": commitments.get(number, ""),
            "supersedes": before.get(event.subject, "") if event.subject else "",
            "prev": prev,
        }
        rows.append(_row(organisation_id, event, fields))
        prev = rows[-1]["hash"]
        if event.subject:
            before[event.subject] = number
    session.execute(_ADD, rows)
    session.execute(_ADVANCE, {"of": organisation_id, "to": seq, "last": prev, "moment": at})
    _lay_tiles(session, organisation_id, head.seq, seq)
    written = [Written(row["seq"], row["id"], row["at"], row["hash"]) for row in rows]
    return written[1:] if events[0].type is EventType.CLOCK_SKEW else written


@dataclass(frozen=True)
class End:
    """Where a ledger ends, while it is held."""

    seq: int
    hash: str
    at: int


def hold(session: Session, organisation_id: int) -> End:
    """Lock the end of the chain: SQLite has one writer, PostgreSQL waits on this row."""
    found = session.execute(_END, {"of": organisation_id}).first()
    if found is None:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        first = {"organisation_id": organisation_id, "seq": 0, "hash": "", "at": 0}
        session.execute(dialect.insert(LedgerHead).values(first).on_conflict_do_nothing())
        found = session.execute(_END, {"of": organisation_id}).one()
    return End(*found)


def _into_vault(
    session: Session, organisation_id: int, events: Sequence[Event], numbers: Sequence[str]
) -> dict[str, str]:
    pieces = [
        Piece(number, event.subject, event.evidence)
        for event, number in zip(events, numbers, strict=True)
        if event.evidence is not None
    ]
    sealed = evidence.seal(session, organisation_id, pieces) if pieces else []
    return {piece.event_id: commitment for piece, commitment in zip(pieces, sealed, strict=True)}


def _last_of_subjects(session: Session, organisation_id: int, subjects: set[str]) -> dict[str, str]:
    if not subjects:
        return {}
    if len(subjects) == 1:
        (subject,) = subjects
        last = session.execute(_LAST_OF_ONE, {"of": organisation_id, "subject_ref": subject}).scalar()
        return {subject: last} if last is not None else {}
    # Each database walks the index only when asked in its own way; the other way it reads the table, again and again.
    connection = session.connection()
    query = _LAST_OF_EACH if connection.dialect.name == "sqlite" else _ONE_BY_ONE
    found = connection.execute(query, {"of": organisation_id, "subject": sorted(subjects)})
    return {row[0]: row[1] for row in found if row[1] is not None}


def _fields(event: Event, owner: str, seq: int, number: str, at: int) -> dict[str, object]:
    return {
        "v": VERSION,
        "org": owner,
        "seq": seq,
        "id": number,
        "ts": at,
        "type": event.type.value,
        "subject": event.subject,
        "list": event.list,
        "purpose": event.purpose,
        "basis": event.basis,
        "text_sha256": event.text_sha256,
        "form_sha256": event.form_sha256,
        "mail_sha256": event.mail_sha256,
        "method": event.method,
        "actor": event.actor,
        "expires_at": clock.in_milliseconds(event.expires_at) if event.expires_at else 0,
        "details": dict(event.details),
    }


def _row(organisation_id: int, event: Event, fields: dict[str, object]) -> dict[str, Any]:
    record = canonical_json.dumps(fields)
    return {
        "organisation_id": organisation_id,
        "seq": fields["seq"],
        "id": fields["id"],
        "at": fields["ts"],
        "type": event.type.value,
        "subject": event.subject,
        "record": record.decode(),
        "hash": merkle.leaf_hash(record).hex(),
        "prev": fields["prev"],
    }


def _lay_tiles(session: Session, organisation_id: int, old_size: int, new_size: int) -> None:
    for number in range(old_size // TILE, new_size // TILE):
        leaves = _leaves(session, organisation_id, number * TILE, (number + 1) * TILE)
        tile = {"organisation_id": organisation_id, "number": number, "hash": merkle.root(leaves).hex()}
        session.execute(insert(LedgerTile.__table__), [tile])  # type: ignore[arg-type]


def _leaves(session: Session, organisation_id: int, start: int, stop: int) -> list[bytes]:
    """Return the hashes of the rows from index ``start`` (its seq is one more) up to ``stop``."""
    query = select(LedgerRow.hash).where(
        LedgerRow.organisation_id == organisation_id, LedgerRow.seq > start, LedgerRow.seq <= stop
    )
    return [bytes.fromhex(found) for found in session.scalars(query.order_by(LedgerRow.seq))]


def head(session: Session, organisation_id: int) -> LedgerHead | None:
    """Return where the ledger ends; None while it is empty."""
    return session.get(LedgerHead, organisation_id, populate_existing=True)


def size(session: Session, organisation_id: int) -> int:
    """Return how many rows the ledger has."""
    end = head(session, organisation_id)
    return end.seq if end is not None else 0


def tree(session: Session, organisation_id: int, rows: int | None = None) -> merkle.TiledTree:
    """Return the Merkle tree over the first ``rows`` rows (all of them when not given)."""
    wanted = size(session, organisation_id) if rows is None else rows
    tiles = select(LedgerTile.hash).where(
        LedgerTile.organisation_id == organisation_id, LedgerTile.number < wanted // TILE
    )
    hashes = [bytes.fromhex(found) for found in session.scalars(tiles.order_by(LedgerTile.number))]
    return merkle.TiledTree(wanted, hashes, lambda start, stop: _leaves(session, organisation_id, start, stop))


def of_subject(session: Session, organisation_id: int, subject_ref: str) -> list[LedgerRow]:
    """Return a subject's rows, oldest first."""
    query = select(LedgerRow).where(LedgerRow.organisation_id == organisation_id, LedgerRow.subject == subject_ref)
    return list(session.scalars(query.order_by(LedgerRow.seq)))


def fields_of(row: LedgerRow) -> dict[str, Any]:
    """Return a row's record as a dictionary. Raises ValueError or TypeError when it is not canonical."""
    found = canonical_json.loads_strict(row.record.encode())
    if not isinstance(found, dict):
        raise TypeError("a ledger record is an object")
    return found


def is_forked(session: Session, organisation_id: int) -> bool:
    """Return whether a witness knows rows that this ledger does not have."""
    query = select(LedgerHead.forked_at).where(LedgerHead.organisation_id == organisation_id)
    return session.scalar(query) is not None


def mark_forked(session: Session, organisation_id: int) -> None:
    """Stop sending: a witness and this ledger do not agree."""
    hold(session, organisation_id)
    session.execute(
        update(LedgerHead)
        .where(LedgerHead.organisation_id == organisation_id, LedgerHead.forked_at.is_(None))
        .values(forked_at=clock.now())
    )


def accept_fork(session: Session, organisation_id: int, *, actor: str, size: int, root: str) -> None:
    """Begin a new epoch that cites the last good checkpoint (its size and root, hex); only the owner decides this."""
    details: dict[str, str | int] = {"good_size": size, "good_root": root}
    append(session, organisation_id, [Event(EventType.FORKED, actor=actor, details=details)])
    session.execute(update(LedgerHead).where(LedgerHead.organisation_id == organisation_id).values(forked_at=None))
