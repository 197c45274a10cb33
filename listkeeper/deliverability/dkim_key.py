"""The keys a sending domain signs with: made here, sealed at rest, their public halves for the owner to publish.

The private half is opened once per process, and only to sign. Nobody sees
it: pages and logs show fingerprints.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import clock, columns, keys, language
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Conflict, Invalid
from listkeeper.foundation.table import Table
from listkeeper.standards import dkim, dkim_key_record, dns

_SEALED_FOR = "dkim"
_RSA_BITS = 2048
_RSA_EXPONENT = 65537


class KeyState(StrEnum):
    """Where a key is in its life."""

    MADE = "made"
    SIGNING = "signing"
    RETIRED = "retired"
    # Withdrawn: its name should say so, with an empty p= (RFC 6376 section 3.6.1), and it never signs again.
    REVOKED = "revoked"


class Algorithm(StrEnum):
    """What a key signs with, as a signature names it (RFC 8301, RFC 8463)."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"


# A retired key may sign again: its record is still published while the owner changes back.
TRANSITIONS: dict[KeyState, frozenset[KeyState]] = {
    KeyState.MADE: frozenset({KeyState.SIGNING}),
    KeyState.SIGNING: frozenset({KeyState.RETIRED}),
    KeyState.RETIRED: frozenset({KeyState.SIGNING, KeyState.REVOKED}),
    KeyState.REVOKED: frozenset(),
}


class DkimKey(Table):
    """One key of one sending domain; ``fingerprint`` is the SHA-256 of its public half."""

    __tablename__ = "dkim_key"

    id: Mapped[int] = columns.row_id()
    sending_domain_id: Mapped[int] = mapped_column(ForeignKey("sending_domain.id"))
    selector: Mapped[str] = mapped_column(String(63))
    algorithm: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    record: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64))
    state: Mapped[KeyState] = columns.enum(KeyState, default=KeyState.MADE)
    created_at: Mapped[datetime] = columns.created_at()
    # Since when the DNS has shown it (``key_rotation``), and when it stopped to sign and was withdrawn.
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("sending_domain_id", "selector"),)


@dataclass(frozen=True)
class OurKey:
    """What an audit compares with the DNS: the record that should stand at our selector."""

    selector: str
    record: str
    fingerprint: str

    @property
    def quoted(self) -> str:
        """The record as zone files take it: strings of at most 255 octets."""
        return dns.quoted_strings(self.record)


def make(session: Session, sending_domain_id: int, selector: str, algorithm: Algorithm = Algorithm.RSA) -> DkimKey:
    """Make a key and store it sealed: of RSA-2048, which every receiver verifies, or of Ed25519.

    Raises Invalid when the selector cannot be one.
    """
    if not dkim_key_record.is_selector(selector):
        raise Invalid("selector", language.text("A selector is made of letters, digits and dashes."))
    private: dkim.PrivateKey
    if algorithm is Algorithm.RSA:
        private = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    plain = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    made = DkimKey(
        sending_domain_id=sending_domain_id,
        selector=selector,
        algorithm=algorithm.value,
        sealed=keys.seal(_SEALED_FOR, plain),
        record=dkim_key_record.record_for(private),
        fingerprint=dkim_key_record.fingerprint(dkim_key_record.public_half(private)),
        state=KeyState.MADE,
    )
    session.add(made)
    session.flush()
    return made


def of(session: Session, sending_domain_id: int, selector: str) -> DkimKey | None:
    """Return the key of a domain under a selector."""
    query = select(DkimKey).where(DkimKey.sending_domain_id == sending_domain_id, DkimKey.selector == selector)
    return session.scalars(query).one_or_none()


def newest(session: Session, sending_domain_id: int, algorithm: Algorithm) -> DkimKey | None:
    """Return the key of a domain that was made last for an algorithm."""
    query = select(DkimKey).where(DkimKey.sending_domain_id == sending_domain_id, DkimKey.algorithm == algorithm.value)
    return session.scalars(query.order_by(DkimKey.id.desc()).limit(1)).one_or_none()


def ours(key: DkimKey) -> OurKey:
    """Return what may be seen of a key, free of its row."""
    return OurKey(key.selector, key.record, key.fingerprint)


def move(key: DkimKey, state: KeyState) -> None:
    """Take a key to its next state. Raises Conflict when there is no such way."""
    if state not in TRANSITIONS[key.state]:
        raise Conflict(
            "key_state",
            language.text(
                "The key %(selector)s cannot be changed that way now. Nothing was changed.", selector=key.selector
            ),
        )
    key.state = state
    key.retired_at = clock.now() if state is KeyState.RETIRED else key.retired_at
    key.revoked_at = clock.now() if state is KeyState.REVOKED else None


def private(key: DkimKey) -> dkim.PrivateKey:
    """Return the private half, opened once per process. Raises Invalid when the key folder cannot open it."""
    return _opened(key.sealed)


@lru_cache(maxsize=64)
def _opened(sealed: bytes) -> dkim.PrivateKey:
    loaded = load_der_private_key(keys.unseal(_SEALED_FOR, sealed), password=None)
    if not isinstance(loaded, RSAPrivateKey | Ed25519PrivateKey):
        raise Invalid("key_kind", language.text("A stored key is of a kind that cannot sign mail."))
    return loaded
