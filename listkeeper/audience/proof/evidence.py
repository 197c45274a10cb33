"""The evidence vault: what proves one person's events, sealed under a key of that person's own.

The ledger holds a commitment to each piece of evidence; the evidence itself,
with the salt that opens the commitment, lies here, encrypted with AES-256-GCM.
To forget somebody is to destroy her key: what then remains anywhere is noise,
also in backups, and the commitment can be guessed by nobody.
"""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ForeignKey, Index, LargeBinary, String, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, keys
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table
from listkeeper.standards import canonical_json

Content = Mapping[str, object]
_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SubjectKey(Table):
    """The key of one subject's evidence, wrapped by the key folder; empty once it is destroyed."""

    __tablename__ = "subject_key"

    subject_ref: Mapped[str] = mapped_column(String(32), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Evidence(Table):
    """One sealed piece of evidence of one ledger event."""

    __tablename__ = "evidence"

    event_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    subject_ref: Mapped[str] = mapped_column(String(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    # Set when the permission ends: from then on the retention preset counts.
    delete_after: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_evidence_subject", "subject_ref"),
        # Few rows have an end; an import need not enter all the others.
        Index(
            "ix_evidence_delete_after",
            "delete_after",
            postgresql_where=delete_after.is_not(None),
            sqlite_where=delete_after.is_not(None),
        ),
    )


@dataclass(frozen=True)
class Opened:
    """A piece of evidence in the clear: the salt and the content open the ledger's commitment."""

    event_id: str
    salt: bytes
    content: dict[str, object]


@dataclass(frozen=True)
class Piece:
    """A piece of evidence on its way into the vault."""

    event_id: str
    subject_ref: str
    content: Content


@dataclass(frozen=True)
class SealedPiece:
    """A piece of evidence as it lies in the vault, with the cipher that opens it (None: its key does not open)."""

    event_id: str
    cipher: AESGCM | None
    stored: bytes

    def open(self) -> Opened:
        """Return it in the clear. Raises Invalid when it was changed or swapped, or when its key is not ours."""
        if self.cipher is None:
            raise Invalid(
                "evidence_damaged", "The key of a piece of evidence cannot be opened; it was changed or lost."
            )
        return _open(self.cipher, self.event_id, self.stored)


def commitment(salt: bytes, content: Content) -> str:
    """Return HMAC-SHA256(salt, RFC 8785 bytes of the content), 64 hex digits."""
    return hmac.digest(salt, canonical_json.dumps(dict(content)), "sha256").hex()


def seal(session: Session, organisation_id: int, pieces: Sequence[Piece]) -> list[str]:
    """Store pieces of evidence and return the commitment of each, in order.

    Raises ValueError for a piece of nobody's: it could never be forgotten.
    """
    if not all(piece.subject_ref for piece in pieces):
        raise ValueError("evidence belongs to somebody")
    of_each = ciphers(session, organisation_id, {piece.subject_ref for piece in pieces})
    rows, commitments = [], []
    for piece in pieces:
        salt = secrets.token_bytes(_SALT_BYTES)
        body = canonical_json.dumps(dict(piece.content))
        commitments.append(hmac.digest(salt, body, "sha256").hex())
        rows.append(
            {
                "event_id": piece.event_id,
                "organisation_id": organisation_id,
                "subject_ref": piece.subject_ref,
                "sealed": sealed(of_each[piece.subject_ref], piece.event_id, salt + body),
                "delete_after": None,
            }
        )
    if rows:
        session.execute(insert(Evidence.__table__), rows)  # type: ignore[arg-type]
    return commitments


def sealed(cipher: AESGCM, event_id: str, plain: bytes) -> bytes:
    """Encrypt for one event: the ciphertext opens under no other event's name."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, event_id.encode())


def new_key(organisation_id: int) -> tuple[bytes, bytes]:
    """Return a fresh subject key and its wrapping, as ``subject_key.wrapped`` stores it."""
    key = secrets.token_bytes(_KEY_BYTES)
    return key, keys.seal(_wrapping(organisation_id), key)


def wrapper(organisation_id: int) -> Callable[[bytes, bytes], bytes]:
    """Return the wrapping of ``new_key`` for very many keys of one organisation; it takes a key and a fresh nonce."""
    return keys.sealer(_wrapping(organisation_id))


def _wrapping(organisation_id: int) -> str:
    return f"vault:{organisation_id}"


def ciphers(session: Session, organisation_id: int, subjects: set[str]) -> dict[str, AESGCM]:
    """Return the cipher of each of these subjects; who has no key yet gets one. Raises Invalid for one destroyed."""
    found = _known_ciphers(session, organisation_id, subjects)
    made = []
    for subject_ref in sorted(subjects - set(found)):
        key, wrapped = new_key(organisation_id)
        found[subject_ref] = AESGCM(key)
        made.append(
            {"subject_ref": subject_ref, "organisation_id": organisation_id, "wrapped": wrapped, "destroyed_at": None}
        )
    if made:
        session.execute(insert(SubjectKey.__table__), made)  # type: ignore[arg-type]
    return found


def _known_ciphers(session: Session, organisation_id: int, subjects: Iterable[str]) -> dict[str, AESGCM]:
    query = select(SubjectKey.subject_ref, SubjectKey.wrapped).where(SubjectKey.subject_ref.in_(list(subjects)))
    found = {}
    for subject_ref, wrapped in session.execute(query):
        if wrapped is None:
            raise Invalid("subject_forgotten", "The evidence key of this person has been destroyed; nothing was kept.")
        found[subject_ref] = AESGCM(keys.unseal(_wrapping(organisation_id), wrapped))
    return found


def opened(session: Session, organisation_id: int, subject_ref: str) -> dict[str, Opened]:
    """Return everything the vault holds of a subject, by event id; nothing once the key is destroyed."""
    key = session.get(SubjectKey, subject_ref)
    if key is None or key.wrapped is None:
        return {}
    cipher = AESGCM(keys.unseal(_wrapping(organisation_id), key.wrapped))
    query = select(Evidence.event_id, Evidence.sealed).where(Evidence.subject_ref == subject_ref)
    return {row[0]: _open(cipher, row[0], row[1]) for row in session.execute(query.order_by(Evidence.event_id))}


def sealed_pieces(session: Session, organisation_id: int, event_ids: Sequence[str]) -> list[SealedPiece]:
    """Return what the vault holds of some events, still sealed; what lay under a destroyed key is not among it."""
    query = (
        select(Evidence.event_id, Evidence.subject_ref, Evidence.sealed, SubjectKey.wrapped)
        .join(SubjectKey, SubjectKey.subject_ref == Evidence.subject_ref)
        .where(Evidence.event_id.in_(event_ids), SubjectKey.wrapped.is_not(None))
    )
    ciphers: dict[str, AESGCM | None] = {}
    found = []
    for event_id, subject_ref, stored, wrapped in session.execute(query):
        if subject_ref not in ciphers:
            ciphers[subject_ref] = _unwrapped(organisation_id, wrapped)
        found.append(SealedPiece(event_id, ciphers[subject_ref], stored))
    return found


def cipher_of(session: Session, organisation_id: int, subject_ref: str) -> AESGCM | None:
    """Return the cipher of a subject; None when it has no key, or none that opens any more."""
    row = session.get(SubjectKey, subject_ref)
    return _unwrapped(organisation_id, row.wrapped) if row is not None else None


def _unwrapped(organisation_id: int, wrapped: bytes | None) -> AESGCM | None:
    """Return a subject's cipher; None when its key does not open, so that one person's damage hides no other's."""
    try:
        return AESGCM(keys.unseal(_wrapping(organisation_id), wrapped)) if wrapped is not None else None
    except Invalid:
        return None


def unsealed(cipher: AESGCM, event_id: str, stored: bytes) -> bytes:
    """Decrypt what ``sealed`` made for this event. Raises Invalid when it was changed or swapped."""
    try:
        return cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], event_id.encode())
    except Exception as problem:
        raise Invalid(
            "evidence_damaged", "A piece of evidence cannot be opened; it was changed or swapped."
        ) from problem


def _open(cipher: AESGCM, event_id: str, stored: bytes) -> Opened:
    plain = unsealed(cipher, event_id, stored)
    content = canonical_json.loads_strict(plain[_SALT_BYTES:])
    if not isinstance(content, dict):
        raise Invalid("evidence_damaged", "A piece of evidence is not what was stored.")
    return Opened(event_id, plain[:_SALT_BYTES], content)


def destroy(session: Session, subject_ref: str) -> None:
    """Destroy a subject's key and all that lies under it. There is no way back."""
    session.execute(delete(Evidence).where(Evidence.subject_ref == subject_ref))
    session.execute(
        update(SubjectKey)
        .where(SubjectKey.subject_ref == subject_ref, SubjectKey.destroyed_at.is_(None))
        .values(wrapped=None, destroyed_at=clock.now())
    )
    session.expire_all()


def limit(session: Session, subject_ref: str, delete_after: datetime | None) -> None:
    """Say until when a subject's evidence is kept; None: as long as the permission lives."""
    session.execute(update(Evidence).where(Evidence.subject_ref == subject_ref).values(delete_after=delete_after))


def shred_due(session: Session, most: int = 500) -> dict[int, int]:
    """Delete evidence whose time is over; return how many pieces of each organisation."""
    over = Evidence.delete_after <= clock.now()
    due = session.scalars(select(Evidence.event_id).where(over).limit(most)).all()
    # What is deleted is counted, not what was found: of two workers at once, each tells the ledger of its own.
    gone = delete(Evidence).where(Evidence.event_id.in_(due), over).returning(Evidence.organisation_id)
    return dict(Counter(session.scalars(gone, execution_options={"synchronize_session": False})))
