"""A user as the login library sees them: its behaviour added to our plain tables, with no table of its own."""

from __future__ import annotations

from typing import Any, cast

from flask import current_app
from flask_login import current_user
from flask_security import UserMixin, WebAuthnMixin
from sqlalchemy.orm import Mapped, relationship, synonym

from listkeeper.accounts.passkey import Passkey
from listkeeper.accounts.user import User

PROGRAM = "Listkeeper"


class StudioPasskey(Passkey, WebAuthnMixin):
    """A passkey as the library sees it; no table of its own."""

    def get_user_mapping(self) -> dict[str, Any]:
        """Tell the library whose it is."""
        return {"id": self.user_id}


class Member(User, UserMixin):
    """A user as the library sees them; no table of its own."""

    email: Mapped[str | None] = synonym("address")  # type: ignore[assignment]
    webauthn: Mapped[list[StudioPasskey]] = relationship(  # type: ignore[assignment]
        StudioPasskey, cascade="all, delete-orphan"
    )

    def calc_username(self) -> str:
        """Say what phones and apps call this account; before the first run it has no address yet."""
        return self.address or PROGRAM


def present() -> Member:
    """Return the user of this request; only behind the lock."""
    return cast("Member", current_user._get_current_object())  # noqa: SLF001 - the library offers no other way


def end_sessions(user: Member) -> None:
    """Make every session cookie of a user worthless; call it in a transaction."""
    current_app.extensions["security"].datastore.set_uniquifier(user)
