"""The ticket of a form's page: signed, of one version, from when it was opened, and good for one post.

A page that is not ours carries none. Then nothing is known of when it was
opened, and the text that counts is the one in the mail.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from listkeeper.foundation import clock, once, signing

LIFETIME = timedelta(hours=24)
_PURPOSE = "form-ticket"
_NONCE_BYTES = 12


def make(version_id: int) -> str:
    """Return a ticket for a page that is being shown now."""
    opened = clock.in_milliseconds(clock.now())
    return signing.sealed(
        _PURPOSE, opened.to_bytes(8, "big") + version_id.to_bytes(8, "big") + secrets.token_bytes(_NONCE_BYTES)
    )


def opened_at(text: str, version_id: int) -> datetime | None:
    """Return when the page of a ticket was shown; None when it is not ours, or another version's."""
    body = signing.opened(_PURPOSE, text, 16 + _NONCE_BYTES)
    if body is None or int.from_bytes(body[8:16], "big") != version_id:
        return None
    return clock.of_milliseconds(int.from_bytes(body[:8], "big"))


def is_ours(text: str) -> bool:
    """Return whether a page of ours carried this, of whatever version and however long ago."""
    return signing.opened(_PURPOSE, text, 16 + _NONCE_BYTES) is not None


def is_too_old(text: str, version_id: int) -> bool:
    """Return whether a page was opened so long ago, or with another text, that she should read it again."""
    opened = opened_at(text, version_id)
    return opened is None or opened < clock.now() - LIFETIME


def use(session: Session, text: str) -> bool:
    """Use a ticket; False when it served before."""
    return once.spend(session, _PURPOSE, text, clock.now() + LIFETIME)
