"""Web addresses that may stand on a page for strangers: whole, encrypted, and what they look like (RFC 3986)."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

import idna

LIMIT = 500
_NEVER = re.compile(r"[\s\\<>\"'`{}|^\x00-\x1f\x7f]")
_SAFE = "/:@!$&'()*+,;=~-._?%"


def https(typed: str) -> str | None:
    """Return a typed address as browsers ask for it, or None unless it is a whole ``https`` one with a name of a host.

    No user name (``https://shop.example@evil.example``), no number for a host,
    no white space or backslash that browsers read in another way than people.
    """
    if len(typed) > LIMIT or _NEVER.search(typed):
        return None
    try:
        parts = urlsplit(typed)
        port = parts.port
    except ValueError:
        return None
    host = _host(parts.hostname or "")
    if parts.scheme.lower() != "https" or host is None or "@" in parts.netloc:
        return None
    where = host if port in {None, 443} else f"{host}:{port}"
    path, query, fragment = (quote(part, safe=_SAFE) for part in (parts.path, parts.query, parts.fragment))
    made = urlunsplit(("https", where, path, query, fragment))
    return made if len(made) <= LIMIT else None


def host_of(address: str) -> str:
    """Return the host of an address that ``https`` made, without ``www.``, as people read it."""
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def _host(named: str) -> str | None:
    try:
        host = idna.encode(named, uts46=True).decode()
    except idna.IDNAError:
        return None
    last = host.rpartition(".")[2]
    return host if "." in host and re.search(r"[a-z]", last) else None
