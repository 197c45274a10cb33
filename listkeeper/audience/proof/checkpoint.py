"""Checkpoints: the ledger's Merkle root, signed, so that others can witness how far it had come.

A checkpoint is a C2SP signed note over the tree of RFC 6962. It goes to every
subscriber with her receipt and to the journal outside the database: a ledger
that is later shorter, or has another root, convicts itself.
"""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import clock, columns, keys, language, outbox
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Lane
from listkeeper.foundation.table import Table
from listkeeper.standards import signed_note

MADE = "checkpoint.made"
_EVENTS = 100
_LONGEST_WAIT = timedelta(hours=1)
_SHORTEST_WAIT = timedelta(minutes=1)


class Checkpoint(Table):
    """One signed size and root of an organisation's ledger."""

    __tablename__ = "checkpoint"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    # The key that signed it, base64: the public half is no secret and old notes need it.
    public_key: Mapped[str] = mapped_column(String(44))
    made_at: Mapped[datetime] = columns.created_at()
    # Whether the journal outside the database has it.
    journaled: Mapped[bool] = mapped_column(default=False)
    # When it was put in the post to the owner's witness mailbox.
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("organisation_id", "size"), Index("ix_checkpoint_journaled", "journaled"))


def origin(organisation: Organisation) -> str:
    """Return the first line of every checkpoint of an organisation."""
    return f"{key_name(organisation)}/ledger"


def key_name(organisation: Organisation) -> str:
    """Return the name under which an organisation signs."""
    return f"listkeeper/{organisation.public_id}"


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as base64 of its 32 bytes."""
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def newest(session: Session, organisation_id: int) -> Checkpoint | None:
    """Return the newest checkpoint; None before the first."""
    query = select(Checkpoint).where(Checkpoint.organisation_id == organisation_id)
    return session.scalars(query.order_by(Checkpoint.size.desc()).limit(1)).first()


def last_mailed(session: Session, organisation_id: int) -> Checkpoint | None:
    """Return the newest checkpoint that went to the owner's witness mailbox, if one ever did."""
    query = select(Checkpoint).where(Checkpoint.organisation_id == organisation_id, Checkpoint.mailed_at.is_not(None))
    return session.scalars(query.order_by(Checkpoint.size.desc()).limit(1)).first()


def is_due(session: Session, organisation_id: int) -> bool:
    """Return whether a checkpoint should be made now: after 100 new rows or an hour, at most one a minute."""
    last, rows = newest(session, organisation_id), ledger.size(session, organisation_id)
    if last is None:
        return rows > 0
    age = clock.now() - last.made_at
    return rows > last.size and age >= (_SHORTEST_WAIT if rows - last.size >= _EVENTS else _LONGEST_WAIT)


def covering(session: Session, organisation: Organisation, rows: int) -> Checkpoint:
    """Return the newest checkpoint when it covers the first ``rows`` rows, or make one that does."""
    last = newest(session, organisation.id)
    # A receipt is signed by the newest key, so the ledger must have told of that key first.
    if last is not None and last.size >= rows and last.public_key == _newest_key(organisation):
        return last
    return make(session, organisation)


def _newest_key(organisation: Organisation) -> str:
    return public_text(keys.ledger(organisation.public_id)[0].public_key())


def make(session: Session, organisation: Organisation) -> Checkpoint:
    """Sign the ledger as it is now; a size that was signed before is not signed again.

    Raises Conflict when the ledger contradicts what was signed, or when the key that signed it is gone: neither is
    ever signed over silently. The owner begins a new epoch (``begin_epoch``).
    """
    ledger.hold(session, organisation.id)
    last = newest(session, organisation.id)
    if last is not None and not continues(session, last):
        raise Conflict(
            "ledger_forked", language.text("The ledger is not the one that was signed before. It was not signed again.")
        )
    _tell_of_new_key(session, organisation, last)
    tree = ledger.tree(session, organisation.id)
    if last is not None and last.size == tree.size:
        return last
    root = tree.root()
    key = keys.ledger(organisation.public_id)[0]
    note = signed_note.sign(signed_note.checkpoint(origin(organisation), tree.size, root), key_name(organisation), key)
    made = Checkpoint(
        organisation_id=organisation.id,
        size=tree.size,
        root=root.hex(),
        note=note,
        public_key=public_text(key.public_key()),
    )
    session.add(made)
    session.flush()
    outbox.write(session, MADE, made.id, Lane.BACKGROUND)
    return made


def continues(session: Session, signed: Checkpoint) -> bool:
    """Return whether the ledger still begins with the rows that a checkpoint signed."""
    if ledger.size(session, signed.organisation_id) < signed.size:
        return False
    return ledger.tree(session, signed.organisation_id, signed.size).root().hex() == signed.root


def is_contradicted(session: Session, organisation_id: int) -> bool:
    """Return whether the ledger is another one than its own newest checkpoint signed: rows were changed or removed."""
    last = newest(session, organisation_id)
    return last is not None and not continues(session, last)


def begin_epoch(session: Session, organisation: Organisation, *, actor: str, size: int, root: str) -> None:
    """Go on behind the last good checkpoint (its size and root, hex), by the owner's decision.

    What was signed beyond it is the other branch's, and must neither be shown nor stand in the way of new ones.
    """
    beyond = delete(Checkpoint).where(Checkpoint.organisation_id == organisation.id, Checkpoint.size > size)
    session.execute(beyond, execution_options={"synchronize_session": False})
    session.expire_all()
    while (last := newest(session, organisation.id)) is not None and not continues(session, last):
        # Somebody changed the checkpoint itself: it would stop every new one.
        session.delete(last)
        session.flush()
    ledger.accept_fork(session, organisation.id, actor=actor, size=size, root=root)


def _tell_of_new_key(session: Session, organisation: Organisation, last: Checkpoint | None) -> None:
    """Write down a new signing key, signed by the old one and by itself, before it signs anything else."""
    ring = {public_text(key.public_key()): key for key in keys.ledger(organisation.public_id)}
    new = next(iter(ring))
    if last is None or last.public_key == new or _began_anew(session, last):
        return
    if last.public_key not in ring:
        # A lost key cannot sign for its successor.
        raise Conflict(
            "ledger_key_lost",
            language.text("The key that signed the ledger is gone. Put its file back into the key folder."),
        )
    message = f"listkeeper/rotate/v1\n{organisation.public_id}\n{last.public_key}\n{new}\n".encode()
    details = {
        "old_key": last.public_key,
        "new_key": new,
        "old_signature": base64.b64encode(ring[last.public_key].sign(message)).decode(),
        "new_signature": base64.b64encode(ring[new].sign(message)).decode(),
    }
    known = select(ledger.LedgerRow.record).where(
        ledger.LedgerRow.organisation_id == organisation.id, ledger.LedgerRow.type == EventType.KEY_ROTATED.value
    )
    if not any(f'"new_key":"{new}"' in record for record in session.scalars(known)):
        ledger.append(session, organisation.id, [Event(EventType.KEY_ROTATED, details=details)])


def _began_anew(session: Session, last: Checkpoint) -> bool:
    """Return whether the owner has begun a new epoch since: it is signed by whatever key there is."""
    rows = select(ledger.LedgerRow.seq).where(
        ledger.LedgerRow.organisation_id == last.organisation_id,
        ledger.LedgerRow.seq > last.size,
        ledger.LedgerRow.type == EventType.FORKED.value,
    )
    return session.scalar(rows.limit(1)) is not None


def receipt(session: Session, organisation: Organisation, event_id: str) -> tuple[str, Checkpoint] | None:
    """Return a signed receipt for one event and a checkpoint that covers it; None when there is no such event."""
    row = session.scalars(
        select(ledger.LedgerRow).where(
            ledger.LedgerRow.organisation_id == organisation.id, ledger.LedgerRow.id == event_id
        )
    ).first()
    if row is None:
        return None
    covered = covering(session, organisation, row.seq)
    leaf = base64.b64encode(bytes.fromhex(row.hash)).decode()
    root = base64.b64encode(bytes.fromhex(covered.root)).decode()
    lines = ("listkeeper/receipt/v1", organisation.public_id, event_id, str(row.seq), leaf, str(covered.size), root)
    text = "".join(f"{line}\n" for line in lines)
    key = keys.ledger(organisation.public_id)[0]
    return signed_note.sign(text, key_name(organisation), key), covered
