"""Where a request comes from, as far as the trusted proxies say."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from flask import Request


def of(request: Request) -> str | None:
    """Return the client's IPv4 address, or the /64 of its IPv6 address (one household, one network).

    ``remote_addr`` has been corrected by ProxyFix for as many proxies as the
    settings trust and no more, so a forged X-Forwarded-For changes nothing.
    """
    return named(request.remote_addr or "")


def named(text: str) -> str | None:
    """Return the network of a written IP address, or None when it is none."""
    try:
        address = ip_address(_without_port(text))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 64), strict=False))


def _without_port(text: str) -> str:
    """Return the address alone: some proxies write the port behind it, and IPv6 has colons of its own (RFC 7239)."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.partition("%")[0]


def origin_of(request: Request) -> str | None:
    """Return scheme and host of the page that posted, from Origin or else Referer."""
    for name in ("Origin", "Referer"):
        parts = urlsplit(request.headers.get(name, ""))
        if parts.scheme in {"http", "https"} and parts.netloc:
            return f"{parts.scheme}://{parts.netloc}"
    return None


def referrer_of(request: Request, *, own: str) -> str | None:
    """Return the origin of the site that a visitor came from; None when that is ours (``own``) or nobody says."""
    found = as_origin(request.headers.get("Referer", ""))
    return None if found in {as_origin(own), as_origin(request.host_url)} else found


def as_origin(address: str) -> str | None:
    """Return scheme, host and port of an address, without path, query and names; apps of a phone have one too."""
    try:
        parts = urlsplit(address.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https", "android-app"} or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"
