"""Shutting a user out of the studio: everything that opened it for them goes, and what they did stays written down."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from listkeeper.accounts import user as users
from listkeeper.accounts.passkey import Passkey
from listkeeper.accounts.sign_in_link import SignInLink
from listkeeper.accounts.user import User
from listkeeper.foundation import clock, language, throttle
from listkeeper.foundation.errors import Conflict


def remove(session: Session, user: User) -> None:
    """Shut a user out, at once and on every device: all that opened the studio for them is gone.

    The row stays without any key, because what they did is written down under
    its number. Raises Conflict for the last owner.
    """
    # Two owners who remove each other at the same moment must not both succeed.
    throttle.take_turns(session, "users", str(user.organisation_id))
    session.refresh(user)
    others = [one for one in users.everyone(session, user.organisation_id or 0) if one.owns and one.id != user.id]
    if user.owns and not others:
        raise Conflict(
            "last_owner", language.text("This is the last owner. Invite another owner first; nothing was changed.")
        )
    user.active = False
    user.password = user.tf_primary_method = user.tf_totp_secret = user.mf_recovery_codes = None
    user.tf_last_counter = None
    user.fs_uniquifier = secrets.token_hex(16)
    session.execute(delete(Passkey).where(Passkey.user_id == user.id))
    live = update(SignInLink).where(SignInLink.user_id == user.id, SignInLink.used_at.is_(None))
    session.execute(live.values(used_at=clock.now()))
    session.flush()
