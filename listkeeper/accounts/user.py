"""Who may enter the studio.

Plain columns only: the sign-in library is wired in ``web.studio.sign_in``,
whose subclass adds the library's behaviour without a table of its own. The
column names that start with ``fs_``, ``tf_`` and ``mf_`` are the library's.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, func, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.foundation import columns, language, throttle
from listkeeper.foundation.errors import Conflict, NotFound
from listkeeper.foundation.table import Table
from listkeeper.standards import address


class Role(StrEnum):
    """What a user may do here: everything, or write letters and see people."""

    OWNER = "owner"
    EDITOR = "editor"


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
    role: Mapped[Role] = columns.enum(Role, default=Role.OWNER, server_default=Role.OWNER.value)
    # Stands in every session cookie; a new value ends all sessions.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(16))
    fs_webauthn_user_handle: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(16))
    tf_primary_method: Mapped[str | None] = mapped_column(String(64))
    # Encrypted by the library under a key of the key folder, as are the recovery codes.
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    # The counter of the last code used: no code works twice (RFC 6238 section 5.2).
    tf_last_counter: Mapped[int | None] = mapped_column(columns.RowId)
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(columns.Json)
    # Whether the weekly mail about the board comes to them (``insight.board_letter``).
    board_mail: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = columns.created_at()

    @property
    def actor(self) -> str:
        """How the audit log names this user."""
        return f"user:{self.id}"

    @property
    def owns(self) -> bool:
        """Whether this user may do everything."""
        return self.role is Role.OWNER


def create(
    session: Session, *, written: str | None = None, organisation_id: int | None = None, role: Role = Role.OWNER
) -> User:
    """Store a user without a password; raises Invalid when the address cannot be one."""
    made = User(
        organisation_id=organisation_id,
        role=role,
        address=address.parse(written).send if written else None,
        language=language.current(),
    )
    session.add(made)
    session.flush()
    return made


def first(session: Session) -> User:
    """Return the oldest active owner, made when there is none: whom the printed link signs in."""
    found = _oldest(session)
    if found is None:
        # Several processes of one start may ask at once; the first makes the user, the others find it.
        throttle.take_turns(session, "first-user", "only")
        found = _oldest(session)
    return found or create(session)


def _oldest(session: Session) -> User | None:
    owners = select(User).where(User.active, User.role == Role.OWNER)
    return session.scalars(owners.order_by(User.id).limit(1)).first()


def everyone(session: Session, organisation_id: int) -> list[User]:
    """Return who may enter the studio of a business, the oldest first."""
    query = select(User).where(User.organisation_id == organisation_id, User.active)
    return list(session.scalars(query.order_by(User.id)))


def owners(session: Session, organisation_id: int) -> dict[str, User]:
    """Return who owns a business and can be written to about it, by address, the oldest first."""
    return {found.address: found for found in everyone(session, organisation_id) if found.owns and found.address}


def board_readers(session: Session, organisation_id: int) -> dict[str, User]:
    """Return who of a business wants the weekly mail about the board, by address, the oldest first."""
    people = everyone(session, organisation_id)
    return {found.address: found for found in people if found.board_mail and found.address}


def addressed(session: Session, written: str) -> User | None:
    """Return the user who signs in with an address, also one who was removed; how it is capitalised does not matter."""
    return session.scalars(select(User).where(func.lower(User.address) == written.strip().lower())).first()


def named(session: Session, organisation_id: int, name: str) -> User:
    """Return an active user of a business by public id or address. Raises NotFound."""
    wanted = name.strip().lower()
    for found in everyone(session, organisation_id):
        if wanted in {found.public_id, (found.address or "").lower()}:
            return found
    raise NotFound("no_user", language.text("There is no user “%(name)s”.", name=name[:60]))


def admit(session: Session, organisation_id: int, written: str, role: Role) -> User:
    """Let somebody in by an address: a new user, or one who was removed and comes back with nothing of before."""
    known = addressed(session, written)
    if known is None:
        return create(session, written=written, organisation_id=organisation_id, role=role)
    if known.active:
        raise Conflict("is_user", language.text("%(address)s works here already.", address=written))
    known.active, known.role, known.organisation_id = True, role, organisation_id
    return known


def joins(user: User, organisation_id: int, written: str) -> None:
    """Bind a user to the business; the address given there is how they sign in, unless they have one."""
    user.organisation_id = organisation_id
    user.address = user.address or address.parse(written).send
