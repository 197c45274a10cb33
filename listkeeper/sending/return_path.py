"""Where what cannot be delivered comes back to: an address of our own for each delivery (VERP), proved by an HMAC.

``b+2n9c.abcdefghijklmnop@bounce.example.dk`` says which delivery it is about, and whoever forges a bounce would have
to know the key. A second such address stands in List-Unsubscribe, and a mail to it means that its reader leaves. In a
mailbox that other mail comes to as well both begin with the mailbox's own name, ``bounces+2n9c.…@example.dk`` and
``bounces+u.2n9c.…@example.dk``.

Servers on the way change the case of a local part and wrap it in their own (``verp``), and 64 octets must hold all
of that: so the token is short, of small letters and digits alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from listkeeper.foundation import signing
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address, verp

Purpose = Literal["bounce", "unsubscribe"]

# The secrets of these names sign nothing else.
_SECRETS: dict[Purpose, str] = {"bounce": "return-path", "unsubscribe": "leave-by-mail"}
_NAMES: dict[Purpose, str] = {"bounce": "b", "unsubscribe": "u"}
_PURPOSES: dict[str, Purpose] = {name: purpose for purpose, name in _NAMES.items()}
# Letters that mean the same to every mail server, and to every program that reads a mailto: address.
_MAILBOX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@.+")
# As long as any token can be.
_LONGEST_TOKEN = f"{'z' * 13}.{'z' * 16}"
# Behind it nothing stands but what somebody on the way, who has a wrapper that we do not know, has put there.
_TOKEN = re.compile(r"(?:^|.*[=/])([^=/]+)\+(?:([bu])\.)?([0-9a-z]{1,13}\.[a-z2-7]{16})(?:=.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """What an address of ours is for, and which delivery it is about: None when its proof is wrong."""

    purpose: Purpose
    delivery_id: int | None


def known(value: str | None) -> str | None:
    """Return the setting in its one form, a domain or a mailbox; ValueError when it is neither."""
    if value is None:
        return None
    try:
        pattern = address.parse(value).send if "@" in value else address.domain_name(value)
    except Invalid:
        raise ValueError("is neither a domain (bounce.example.dk) nor a mailbox (bounces@example.dk)") from None
    if "@" in pattern and not _MAILBOX.fullmatch(pattern):
        raise ValueError("is a mailbox with other signs before its @ than letters, digits, dots, hyphens and plus")
    try:
        address.parse(_around("unsubscribe", pattern)[0] + _LONGEST_TOKEN + _around("unsubscribe", pattern)[1])
    except Invalid:
        raise ValueError("is too long: the addresses made of it have up to 33 characters more") from None
    return pattern


def of_delivery(pattern: str, delivery_id: int) -> str:
    """Return the sender of a delivery's envelope; ``pattern`` is the setting, a domain or a mailbox."""
    before, behind = _around("bounce", pattern)
    return f"{before}{signing.spelled('return-path', delivery_id)}{behind}"


def leaving(pattern: str, delivery_id: int) -> str:
    """Return the address to which a mail means that the reader of a delivery leaves; it needs no escapes in a URI."""
    before, behind = _around("unsubscribe", pattern)
    return f"{before}{signing.spelled('leave-by-mail', delivery_id)}{behind}"


def delivery_of(text: str) -> Token | None:
    """Return what an address says, also in the wrappers of others; None when it holds no token of ours.

    What stands before the @ is enough. The domain is not looked at: a proof that is right is ours wherever it came to.
    Never raises.
    """
    if len(text) > verp.LONGEST:
        return None
    inner = verp.unwrapped(text)
    found = _TOKEN.fullmatch(inner.rpartition("@")[0] or inner)
    if found is None:
        return None
    name, named, token = found.groups()
    purpose = _PURPOSES.get((named or name).lower(), "bounce")
    return Token(purpose, signing.read_spelled(_SECRETS[purpose], token))


@lru_cache(maxsize=16)
def _around(purpose: Purpose, pattern: str) -> tuple[str, str]:
    """Return what stands before a token and behind it: asked for every letter, and always of the same setting."""
    mailbox, name = pattern, _NAMES[purpose]
    if "@" not in pattern:
        mailbox, detail = f"{name}@{pattern}", ""
    else:
        # A mailbox of its own is for what comes back, unless its name would say something else.
        itself = pattern.partition("@")[0].lower()
        detail = f"{name}." if purpose != "bounce" or itself in _PURPOSES else ""
    before, at, domain = verp.plus(mailbox, detail).rpartition("@")
    return before, f"{at}{domain}"
