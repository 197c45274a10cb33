"""The origin of a web page: scheme, host and port, written as browsers write it (RFC 6454 section 6.2, WHATWG URL)."""

from __future__ import annotations

from urllib.parse import urlsplit

import idna

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

# Hosts that never leave the machine they are typed on: a site is built there before it has a certificate.
_OWN_MACHINE = frozenset({"localhost", "127.0.0.1"})
_PORTS = {"https": 443, "http": 80}
_LONGEST = 253


def parse(typed: str) -> str:
    """Return the origin of an address as somebody typed or pasted it: ``https://xn--kl-bka.example``.

    Without a scheme it is https; what stands behind the host is left out.
    Raises Invalid for http beyond this machine, and for what is no address.
    """
    text = typed.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as problem:
        raise _no_site(typed) from problem
    if parts.scheme not in _PORTS or parts.username is not None or parts.password is not None:
        raise _no_site(typed)
    name = _ascii(host, typed)
    if parts.scheme == "http" and name not in _OWN_MACHINE:
        sentence = language.text("“%(site)s” must begin with https://.", site=_short(typed))
        raise Invalid("site_not_secure", sentence)
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in {None, _PORTS[parts.scheme]} else "")


def _ascii(host: str, typed: str) -> str:
    """Return a host name as it stands in headers: small letters, punycode."""
    try:
        name = idna.encode(host, uts46=True).decode("ascii").lower() if not host.isascii() else host.lower()
    except idna.IDNAError as problem:
        raise _no_site(typed) from problem
    labels = name.split(".")
    fitting = all(label and label.replace("-", "").isalnum() and label.strip("-") == label for label in labels)
    if not fitting or len(name) > _LONGEST or (len(labels) == 1 and name not in _OWN_MACHINE):
        raise _no_site(typed)
    return name


def _no_site(typed: str) -> Invalid:
    return Invalid("no_site", language.text("“%(site)s” is not the address of a web site.", site=_short(typed)))


def _short(typed: str) -> str:
    return typed.strip()[:60]


def of(address: str) -> str | None:
    """Return the origin of an address that a browser sent (Origin or Referer), or None when it has none.

    A sandboxed page and one that hides where it is say ``null``: that is no origin.
    """
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or not host.isascii():
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, _PORTS[parts.scheme]} else "")
