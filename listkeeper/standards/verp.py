"""Addresses that carry something in their local part: plus addresses (RFC 5233), VERP, SRS and BATV.

Whoever sends writes into the envelope where a message that fails comes back to, one address for each message
(VERP). On the way others wrap that address in one of their own: a forwarder so that SPF passes for it (SRS0, SRS1;
libsrs2's paper "Mail Forwarding and SRS"), a mail server so that it knows its own bounces (BATV,
draft-levine-smtp-batv). ``unwrapped`` takes all of that off again.

No hash of a wrapper is checked: it is of use to nobody but the one who wrote it. Local parts are compared without
regard to case, because servers on the way change it; what is inside keeps the case it came in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST_LOCAL = 64
"""Octets in a local part (RFC 5321 section 4.5.3.1.1)."""

LONGEST = 1024
"""Characters in what is read at all: longer by a wide margin than any path (section 4.5.3.1.3) is no address."""

# SRS0 of SRS1 of BATV happens; more is somebody at play.
_MOST_WRAPPERS = 8
_SRS0 = re.compile(r"SRS0[=+-][^=]*=[^=]*=([^=]+)=(.+)", re.IGNORECASE | re.DOTALL)
_SRS1 = re.compile(r"SRS1[=+-][^=]*=([^=]+)=([=+-].+)", re.IGNORECASE | re.DOTALL)
# Microsoft's forwarding: the forwarder's own mailbox stands first.
_SRS_OF_A_MAILBOX = re.compile(r"[^=]+\+SRS=[^=]*=[^=]*=([^=]+)=(.+)", re.IGNORECASE | re.DOTALL)
_PRVS_BEHIND = re.compile(r"prvs=([^=]+)/[0-9]{4}[0-9a-f]{6}", re.IGNORECASE | re.DOTALL)
_PRVS = re.compile(r"(?:ms)?prvs1?=[^=]*=(.+)", re.IGNORECASE | re.DOTALL)
_BTV1 = re.compile(r"btv1==[^=]*==(.+)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'"(.*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def plus(mailbox: str, detail: str) -> str:
    """Return the address that is delivered to ``mailbox`` and carries ``detail``: ``local+detail@domain``."""
    local, at, domain = mailbox.rpartition("@")
    return f"{local}+{detail}{at}{domain}"


def srs0(address: str, forwarder: str, *, mark: str = "HHH", day: str = "TT") -> str:
    """Return what a forwarder makes of a sender's address: ``SRS0=mark=day=domain=local@forwarder``."""
    local, _, domain = address.rpartition("@")
    return f"SRS0={mark}={day}={domain}={local}@{forwarder}"


def srs1(address: str, forwarder: str, *, mark: str = "HHH") -> str:
    """Return what the next forwarder makes of an SRS0 address: ``SRS1=mark=first==mark=day=domain=local@forwarder``."""
    local, _, domain = address.rpartition("@")
    return f"SRS1={mark}={domain}={local[len('SRS0') :]}@{forwarder}"


def prvs(address: str, tag: str = "1234abcdef") -> str:
    """Return an address with a BATV tag before its local part: ``prvs=tag=local@domain``."""
    return f"prvs={tag}={address}"


def unwrapped(address: str) -> str:
    """Return the address that forwarders and servers on the way wrapped in theirs; any other text as it is.

    Takes an address or a path, ``<local@domain>``, the local part perhaps between quotation marks. Never raises.
    """
    if len(address) > LONGEST:
        return address
    inner = address.strip().removeprefix("<").removesuffix(">")
    for _ in range(_MOST_WRAPPERS):
        if (unpacked := _unwrapped_once(inner)) is None:
            break
        inner = unpacked
    return inner


def _unwrapped_once(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    if not at:
        return None
    if quoted := _QUOTED.fullmatch(local):
        return f"{_ESCAPED.sub(_as_meant, quoted[1])}@{domain}"
    for pattern, inside in _WRAPPERS:
        if found := pattern.fullmatch(local):
            return inside(found, domain)
    return None


def _as_meant(found: re.Match[str]) -> str:
    return found[1]


def _sender(found: re.Match[str], _forwarder: str) -> str:
    return f"{found[2]}@{found[1]}"


def _first_forwarder(found: re.Match[str], _forwarder: str) -> str:
    return f"SRS0{found[2]}@{found[1]}"


def _same_domain(found: re.Match[str], domain: str) -> str:
    return f"{found[1]}@{domain}"


# The first that fits counts.
_WRAPPERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], str]], ...] = (
    (_SRS0, _sender),
    (_SRS1, _first_forwarder),
    (_PRVS_BEHIND, _same_domain),
    (_PRVS, _same_domain),
    (_BTV1, _same_domain),
    (_SRS_OF_A_MAILBOX, _sender),
)
