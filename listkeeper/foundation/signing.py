"""Tokens: one purpose each, unguessable, compared in constant time.

Four kinds. A *signed* token carries a number and its HMAC-SHA256 cut to 128
bits, needs no row and never expires (unsubscribe links must work for years,
RFC 8058 section 6). A *spelled* one is the same cut to 80 bits, in small letters
and digits alone, for the local part of an address: 64 octets, whose case servers
change. A *passing* one carries several numbers and the second in
which it ends. A *derived* secret (confirmation link, code) can be made
again from the key folder when the mail is rendered, while the database holds
only its digest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from listkeeper.foundation import keys

_TAG_BYTES = 16
_ID_BYTES = 8
# Guessing goes by mail, one message a guess, and 80 bits are what a wrapped address has room for.
_SPELLED = 16
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Two digits of base 36 at a time: half the divisions, and one stands in the envelope of every mail.
_PAIRS = [tens + ones for tens in _DIGITS for ones in _DIGITS]
_MOST_DIGITS = 13
# Five bits of each byte, in the letters of base32 (RFC 4648 section 6): those nobody mistakes for another.
_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567" * 8


def token(purpose: str, number: int) -> str:
    """Return an opaque URL-safe token for a row number under one purpose."""
    return sealed(purpose, number.to_bytes(_ID_BYTES, "big"))


def read(purpose: str, text: str) -> int | None:
    """Return the number inside a token, or None when it is not one of ours."""
    body = opened(purpose, text, _ID_BYTES)
    return int.from_bytes(body, "big") if body is not None else None


def spelled(purpose: str, number: int) -> str:
    """Return ``number.tag`` for a row number under one purpose: base 36, a dot, and 16 letters of base32 (80 bits)."""
    return f"{_base36(number)}.{_tag(keys.secret(f'spelled:{purpose}'), number)}"


def read_spelled(purpose: str, text: str) -> int | None:
    """Return the number inside a spelled token, or None when it is not one of ours; its letters may be of any case."""
    digits, _, tag = text.lower().partition(".")
    # Beyond ASCII there are letters that are small letters of ours once they are lowered.
    if not (text.isascii() and digits.isalnum() and len(digits) <= _MOST_DIGITS):
        return None
    number = int(digits, 36)
    if number.bit_length() > _ID_BYTES * 8 or _base36(number) != digits:
        return None
    found = (hmac.compare_digest(_tag(secret, number), tag) for secret in keys.secrets_of(f"spelled:{purpose}"))
    return number if any(found) else None


def _base36(number: int) -> str:
    written = ""
    while number >= len(_PAIRS):
        number, pair = divmod(number, len(_PAIRS))
        written = _PAIRS[pair] + written
    return (_PAIRS[number] if number >= len(_DIGITS) else _DIGITS[number]) + written


def _tag(secret: bytes, number: int) -> str:
    return _mac(secret, number.to_bytes(_ID_BYTES, "big"))[:_SPELLED].translate(_BASE32).decode("ascii")


def passing(purpose: str, numbers: Sequence[int], until: datetime) -> str:
    """Return an opaque URL-safe token for some numbers under one purpose, which ends at a moment."""
    ends = math.ceil(until.timestamp())
    return sealed(purpose, b"".join(number.to_bytes(_ID_BYTES, "big") for number in (*numbers, ends)))


def read_passing(purpose: str, text: str, how_many: int, moment: datetime) -> tuple[int, ...] | None:
    """Return the numbers inside a passing token, or None when it is not one of ours or has ended by ``moment``."""
    body = opened(purpose, text, _ID_BYTES * (how_many + 1))
    if body is None:
        return None
    *numbers, ends = (int.from_bytes(body[at : at + _ID_BYTES], "big") for at in range(0, len(body), _ID_BYTES))
    return tuple(numbers) if ends > moment.timestamp() else None


def sealed(purpose: str, body: bytes) -> str:
    """Return some bytes as an opaque URL-safe token under one purpose; who looks can read them, but not make them."""
    return _written(body + _mac(keys.secret(f"token:{purpose}"), body)[:_TAG_BYTES])


def _written(raw: bytes) -> str:
    """Write bytes as base64url without padding (RFC 4648 section 5); five of these stand in every letter."""
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_URL_SAFE).decode("ascii")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def opened(purpose: str, text: str, size: int) -> bytes | None:
    """Return the ``size`` bytes inside a token, or None when it is not one of ours."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, UnicodeEncodeError):
        return None
    if len(raw) != size + _TAG_BYTES:
        return None
    body, tag = raw[:size], raw[size:]
    for secret in keys.secrets_of(f"token:{purpose}"):
        if hmac.compare_digest(hmac.digest(secret, body, "sha256")[:_TAG_BYTES], tag):
            return body
    return None


def derived(purpose: str, seed: str) -> str:
    """Return a 128-bit URL-safe secret that only the key folder can make again."""
    return _derived(keys.secret(f"derived:{purpose}"), seed)


def _derived(secret: bytes, seed: str) -> str:
    return _written(_mac(secret, seed.encode())[:_TAG_BYTES])


def _mac(secret: bytes, body: bytes) -> bytes:
    """Return the HMAC-SHA256 of a body."""
    made = _begun(secret).copy()
    made.update(body)
    return made.digest()


@lru_cache(maxsize=256)
def _begun(secret: bytes) -> hmac.HMAC:
    """Return an HMAC with nothing but its secret in it: five are copied for every letter, a third of the time anew."""
    return hmac.new(secret, digestmod="sha256")


def derived_as(purpose: str, seed: str, kept: str) -> str:
    """Return the secret whose digest the database keeps, also when a newer master key has come since."""
    found = (_derived(secret, seed) for secret in keys.secrets_of(f"derived:{purpose}"))
    return next((made for made in found if digest(made) == kept), "")


def derived_code(purpose: str, seed: str) -> str:
    """Return six decimal digits that only the key folder can make again."""
    return _code(keys.secret(f"code:{purpose}"), seed)


def derived_code_as(purpose: str, seed: str, kept: str) -> str:
    """Return the digits whose keyed digest (of seed and digits) the database keeps, whichever master made them."""
    found = (_code(secret, seed) for secret in keys.secrets_of(f"code:{purpose}"))
    return next((code for code in found if is_keyed_digest("code", f"{seed}:{code}", kept)), "")


def _code(secret: bytes, seed: str) -> str:
    raw = hmac.digest(secret, seed.encode(), "sha256")
    return f"{int.from_bytes(raw[:8], 'big') % 1_000_000:06d}"


def digest(secret: str) -> str:
    """Return what the database stores of a secret (SHA-256, 64 hex digits)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keyed_digest(purpose: str, secret: str) -> str:
    """Return a keyed digest, for secrets too short to be hashed bare (64 hex digits)."""
    return hmac.digest(keys.secret(f"digest:{purpose}"), secret.encode(), "sha256").hex()


def is_keyed_digest(purpose: str, secret: str, kept: str) -> bool:
    """Return whether a kept digest is of this secret, under whichever master key."""
    made = [hmac.digest(key, secret.encode(), "sha256").hex() for key in keys.secrets_of(f"digest:{purpose}")]
    return any(same(digest_of, kept) for digest_of in made)


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())
