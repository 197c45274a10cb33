"""Passkeys: the public half of a key that lives in a user's phone, laptop or security key.

Plain columns with the names the sign-in library knows; see ``user``.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from listkeeper.foundation import columns
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table

# The longest credential id that WebAuthn Level 2 section 4 allows, in bytes.
LONGEST_CREDENTIAL_ID = 1023


class Passkey(Table):
    """One credential of one user."""

    __tablename__ = "passkey"

    id: Mapped[int] = columns.row_id()
    user_id: Mapped[int] = mapped_column(ForeignKey("studio_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(LONGEST_CREDENTIAL_ID), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(columns.RowId, default=0)
    transports: Mapped[list[str] | None] = mapped_column(columns.Json)
    backup_state: Mapped[bool] = mapped_column(default=False)
    device_type: Mapped[str] = mapped_column(String(64))
    extensions: Mapped[str | None] = mapped_column(String(255))
    usage: Mapped[str] = mapped_column(String(64))
    lastuse_datetime: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = columns.created_at()

    __table_args__ = (UniqueConstraint("user_id", "name"),)
