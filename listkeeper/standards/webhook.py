"""Signed posts to other programs, as Standard Webhooks 1.0.0 has them (github.com/standard-webhooks): HMAC-SHA256.

What is signed is the message's id, the second in which it was sent and the
body, so that nobody can change one, and nobody's old message passes for new.
"""

from __future__ import annotations

import base64
import binascii
import hmac

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64


def key(secret: str) -> bytes:
    """Return the key of a secret: 24 to 64 bytes in base64, with ``whsec_`` before it or without.

    Raises ValueError that says what is wrong, and nothing of the secret.
    """
    try:
        found = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64 (openssl rand -base64 32)") from None
    if not _LEAST <= len(found) <= _MOST:
        raise ValueError(f"is not {_LEAST} to {_MOST} bytes in base64 (openssl rand -base64 32)")
    return found


def headers(secret: bytes, message_id: str, second: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a message that is sent in this second (since 1970)."""
    signed = hmac.digest(secret, f"{message_id}.{second}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(second),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
