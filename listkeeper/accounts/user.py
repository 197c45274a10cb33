"""Who may enter the studio.

Plain columns only: the sign-in library is wired in ``web.studio.sign_in``,
whose subclass adds the library's behaviour without a table of its own. The
column names that start with ``fs_``, ``tf_`` and ``mf_`` are the library's.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.table import Table
from listkeeper.standards import address


class User(Table):
    """One person with a key to the studio."""

    __tablename__ = "studio_user"

    id: Mapped[int] = columns.row_id()
    public_id: Mapped[str] = columns.public_id("usr")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    # None until the first run has named the business: the printed link signs in before that.
    address: Mapped[str | None] = mapped_column(String(320), unique=True)
    language: Mapped[str | None] = mapped_column(String(8))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    # Stands in every session cookie; a new value ends all sessions.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(16))
    fs_webauthn_user_handle: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(16))
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    # Encrypted by the library under a key of the key folder, as are the recovery codes.
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    # The counter of the last code used: no code works twice (RFC 6238 section 5.2).
    tf_last_counter: Mapped[int | None] = mapped_column(columns.RowId)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(columns.Json)
    created_at: Mapped[datetime] = columns.created_at()

    @property
    def actor(self) -> str:
        """How the audit log names this user."""
        return f"user:{self.id}"


def create(session: Session, *, written: str | None = None, organisation_id: int | None = None) -> User:
    """Store a user without a password; raises Invalid when the address cannot be one."""
    made = User(
        organisation_id=organisation_id,
        address=address.parse(written).send if written else None,
        language=language.current(),
    )
    session.add(made)
    session.flush()
    return made


def first(session: Session) -> User:
    """Return the oldest active user, made when there is none: whom the printed link signs in."""
    found = _oldest(session)
    if found is None:
        # Several processes of one start may ask at once; the first makes the user, the others find it.
        throttle.take_turns(session, "first-user", "only")
        found = _oldest(session)
    return found or create(session)


def _oldest(session: Session) -> User | None:
    return session.scalars(select(User).where(User.active).order_by(User.id).limit(1)).first()


def joins(user: User, organisation_id: int, written: str) -> None:
    """Bind a user to the business; the address given there is how they sign in, unless they have one."""
    user.organisation_id = organisation_id
    user.address = user.address or address.parse(written).send
