"""What came in, by mail or from a provider: kept whole before anybody reads it, once however often it comes.

It is sealed under a key of the organisation's own until it is known whose it
is; then a copy goes into the vault under that person's key, so that erasure
reaches it, and here nothing is left but the row. What belongs to nobody is
deleted after 30 days.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from listkeeper.foundation import clock, columns, keys, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table

CAME_IN = "inbound.came_in"
# What is nobody's.
KEPT = timedelta(days=30)
_QUICK = 1
_FORGOTTEN_AT_ONCE = 10_000


class Way(StrEnum):
    """How it came in."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"
    POP3 = "pop3"
    PIPE = "pipe"
    UPLOAD = "upload"
    SES = "ses"
    SENDGRID = "sendgrid"
    MAILGUN = "mailgun"
    POSTMARK = "postmark"
    BREVO = "brevo"
    MAILJET = "mailjet"
    SPARKPOST = "sparkpost"
    RESEND = "resend"

    @property
    def is_mail(self) -> bool:
        """Whether a mail came by it; a provider's events did otherwise."""
        return self in _MAIL


_MAIL = frozenset({Way.SMTP, Way.LMTP, Way.IMAP, Way.POP3, Way.PIPE, Way.UPLOAD})


class Taken(StrEnum):
    """What became of the taking."""

    NEW = "new"
    # The same bytes were taken before: a sender who heard no answer sends once more.
    KNOWN = "known"


class InboundState(StrEnum):
    """How far it is read."""

    WAITING = "waiting"
    READ = "read"


class Inbound(Table):
    """One thing that came in."""

    __tablename__ = "inbound"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    way: Mapped[Way] = columns.enum(Way)
    # SHA-256 of the bytes.
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[InboundState] = columns.enum(InboundState, default=InboundState.WAITING)
    # What it turned out to be: a kind of mail (``mail_reading``), ``report`` or ``events``.
    kind: Mapped[str | None] = mapped_column(String(16))
    # Envelope and bytes; empty once they lie in the vault, or nothing more can come of them.
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("organisation_id", "digest"), Index("ix_inbound_received_at", "received_at"))


@dataclass(frozen=True)
class Arrived:
    """What came in, in the clear: the bytes, and the envelope where there was one."""

    id: int
    organisation_id: int
    way: Way
    received_at: datetime
    content: bytes
    envelope_from: str
    envelope_to: tuple[str, ...]


def take(  # noqa: PLR0913 - how it came, from whom to whom
    session: Session,
    organisation_id: int,
    way: Way,
    content: bytes,
    *,
    envelope_from: str = "",
    envelope_to: Sequence[str] = (),
) -> Taken:
    """Keep what came in, unread, and let it be read soon; the same bytes are kept once."""
    row = _row(organisation_id, way, content, envelope_from, envelope_to)
    return Taken.NEW if _taken(session, [row]) else Taken.KNOWN


def take_all(session: Session, organisation_id: int, posts: Sequence[tuple[Way, bytes]]) -> list[Taken]:
    """Do the same for several that came without an envelope, in one go; what is there twice is new once."""
    rows = [_row(organisation_id, way, content) for way, content in posts]
    # In one order: two who keep the same things at once must not wait for each other.
    new = _taken(session, sorted({row["digest"]: row for row in rows}.values(), key=itemgetter("digest")))
    return [Taken.NEW if row["digest"] in new else Taken.KNOWN for row in rows]


def _row(
    organisation_id: int, way: Way, content: bytes, envelope_from: str = "", envelope_to: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "way": way,
        "digest": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "received_at": clock.now(),
        "state": InboundState.WAITING,
        "kind": None,
        "sealed": _sealed(organisation_id, content, envelope_from, envelope_to),
    }


def _taken(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Store what is not there yet, each with its fact, and return its digests."""
    if not rows:
        return set()
    stored = session.connection().execute(_keeping(session.get_bind().dialect.name), rows).all()
    outbox.write_all(session, CAME_IN, [row[0] for row in stored], Lane.BACKGROUND)
    return {row[1] for row in stored}


@cache
def _keeping(dialect: str) -> ReturningInsert[int, str]:
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return insert(Inbound).on_conflict_do_nothing().returning(Inbound.id, Inbound.digest)


def _purpose(organisation_id: int) -> str:
    return f"inbound:{organisation_id}"


def _sealed(organisation_id: int, content: bytes, envelope_from: str, envelope_to: Sequence[str]) -> bytes:
    return keys.seal(_purpose(organisation_id), packed(content, envelope_from, envelope_to))


def packed(content: bytes, envelope_from: str = "", envelope_to: Sequence[str] = ()) -> bytes:
    """Return envelope and bytes as they are sealed: one line of JSON, then the bytes, packed together."""
    head = json.dumps({"from": envelope_from, "to": list(envelope_to)}, ensure_ascii=True).encode()
    return zlib.compress(head + b"\n" + content, _QUICK)


def unpacked(stored: bytes) -> tuple[bytes, str, tuple[str, ...]]:
    """Return bytes, sender and recipients of what ``packed`` made."""
    head, _, content = zlib.decompress(stored).partition(b"\n")
    envelope = json.loads(head)
    return content, str(envelope["from"]), tuple(str(one) for one in envelope["to"])


def opened(session: Session, inbound_id: int) -> Arrived | None:
    """Return what came in, in the clear; None when it was read before, or is gone."""
    row = session.get(Inbound, inbound_id)
    if row is None or row.sealed is None or row.state is not InboundState.WAITING:
        return None
    content, sender, recipients = unpacked(keys.unseal(_purpose(row.organisation_id), row.sealed))
    return Arrived(row.id, row.organisation_id, row.way, row.received_at, content, sender, recipients)


def lock(session: Session, inbound_id: int) -> Inbound | None:
    """Hold what came in while it is taken up; None when somebody has done so already."""
    query = select(Inbound).where(Inbound.id == inbound_id, Inbound.state == InboundState.WAITING)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def read(row: Inbound, kind: str, *, keep: bool) -> None:
    """Write down what it turned out to be; without ``keep`` its bytes are deleted here."""
    row.state, row.kind = InboundState.READ, kind
    if not keep:
        row.sealed = None


def forget_past(session: Session) -> None:
    """Delete what has been here for long, also what could never be read; the timetable calls this."""
    over = select(Inbound.id).where(Inbound.received_at < clock.now() - KEPT, Inbound.sealed.is_not(None))
    old = list(session.scalars(over.limit(_FORGOTTEN_AT_ONCE)))
    session.execute(update(Inbound).where(Inbound.id.in_(old)).values(sealed=None))


def forget_mentions(session: Session, organisation_id: int, address: str) -> int:
    """Delete the bytes of whatever names an address and belongs to nobody yet; return how much: erasure calls this."""
    named = address.lower().encode()
    query = select(Inbound.id, Inbound.sealed).where(
        Inbound.organisation_id == organisation_id,
        Inbound.sealed.is_not(None),
        Inbound.received_at > clock.now() - 2 * KEPT,
    )
    purpose = _purpose(organisation_id)
    hers = [
        number
        for number, sealed in session.execute(query.execution_options(yield_per=100))
        if sealed is not None and named in zlib.decompress(keys.unseal(purpose, sealed)).lower()
    ]
    if hers:
        session.execute(delete(Inbound).where(Inbound.id.in_(hers)), execution_options={"synchronize_session": False})
    return len(hers)
