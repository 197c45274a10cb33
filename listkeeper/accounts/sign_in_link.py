"""A link that signs a user in once: printed at start, opened as a page, used by its button."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.accounts.user import User
from listkeeper.foundation import clock, columns, language, signing
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Forbidden
from listkeeper.foundation.table import Table

LIFETIME = timedelta(hours=1)


class SignInLink(Table):
    """The digest of one printed link."""

    __tablename__ = "sign_in_link"

    id: Mapped[int] = columns.row_id()
    user_id: Mapped[int] = mapped_column(ForeignKey("studio_user.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def make(session: Session, user: User) -> str:
    """Return a fresh token for a user; only its digest is stored."""
    token = secrets.token_urlsafe(24)
    session.add(SignInLink(user_id=user.id, digest=signing.digest(token), expires_at=clock.now() + LIFETIME))
    return token


def find(session: Session, token: str) -> SignInLink | None:
    """Return the live link of a token; looking at it does not use it."""
    link = session.scalars(select(SignInLink).where(SignInLink.digest == signing.digest(token))).first()
    return link if link and link.used_at is None and link.expires_at > clock.now() else None


def use(session: Session, token: str) -> User:
    """Use a link up and return whom it signs in. Raises Forbidden when it is spent, old or not ours."""
    moment = clock.now()
    spent = session.execute(
        update(SignInLink)
        .where(SignInLink.digest == signing.digest(token), SignInLink.used_at.is_(None), SignInLink.expires_at > moment)
        .values(used_at=moment)
        .returning(SignInLink.user_id)
    ).scalar_one_or_none()
    user = session.get(User, spent) if spent is not None else None
    if user is None or not user.active:
        raise Forbidden(
            "link_spent",
            language.text("This link has been used or is too old. Run `listkeeper link` to get a new one."),
        )
    return user
