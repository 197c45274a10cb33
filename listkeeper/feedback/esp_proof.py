"""What a post proves of where it comes from: a signature, or a secret of ours where the provider does not sign."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from listkeeper.foundation import signing

# By how much clocks may differ, and how old a post may be whose provider signs each try anew.
TOLERANCE = timedelta(minutes=5)


class Proof(StrEnum):
    """What was found."""

    RIGHT = "right"
    MISSING = "missing"
    WRONG = "wrong"
    # It was right once: somebody sends it again, or a clock is wrong.
    OLD = "old"
    # What it must be compared with could not be had just now.
    UNKNOWN = "unknown"


def is_fresh(at: datetime | None, now: datetime, past: timedelta = TOLERANCE) -> bool:
    """Return whether a post was signed no longer ago than this, and not in the future."""
    return at is not None and now - past <= at <= now + TOLERANCE


def by_password(headers: Mapping[str, str], secret: str) -> Proof:
    """Check the secret as a password (RFC 7617; whatever the name) or as a bearer's token (RFC 6750)."""
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "basic":
            given = _password(given.strip())
        case "bearer":
            given = given.strip()
        case _:
            return Proof.MISSING
    return Proof.RIGHT if signing.same(given, secret) else Proof.WRONG


def _password(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
