"""Which web addresses are asked at all, and where they lead: the rules that every fetch keeps to.

A link is written by a person and may point anywhere, also at the machine we
run on or at its neighbours. So the address is looked up once, and networks that
are not public are refused unless the host is named in the settings.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from listkeeper.foundation import language
from listkeeper.foundation.public_network import is_public

PORTS = {"http": 80, "https": 443}
_MOST_ADDRESSES = 4
_LONGEST_URL = 4096
# What may stand in a path or query as it is; the rest is percent-encoded (RFC 3986).
_PLAIN = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True)
class Unreachable:
    """Nobody answered, or not in a way that can be read; ``reason`` says why in words.

    ``distrusted`` says that a server is there, whose certificate is not valid.
    """

    reason: str
    distrusted: bool = False


@dataclass(frozen=True)
class Refused:
    """We did not ask; ``reason`` says why in words."""

    reason: str


def read(url: str) -> SplitResult | Refused:
    """Return a web address in its parts, or why it is not asked."""
    if len(url) > _LONGEST_URL:
        return Refused(language.text("the address is too long"))
    if any(ord(char) <= ord(" ") for char in url):
        return Refused(language.text("the address holds spaces or hidden characters"))
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and bool(host_of(parts))
    except (ValueError, UnicodeError):
        return Refused(language.text("it is no web address"))
    if parts.scheme not in PORTS:
        return Refused(language.text("only http and https addresses are asked"))
    if parts.username is not None or parts.password is not None:
        return Refused(language.text("the address holds a user name"))
    return parts if usable else Refused(language.text("it is no web address"))


def host_of(parts: SplitResult) -> str:
    """Return the host of a web address, as a name server and a certificate know it."""
    host = (parts.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def path_of(parts: SplitResult) -> str:
    """Return what stands after the host, as it goes over the wire."""
    path = quote(parts.path or "/", safe=_PLAIN)
    return f"{path}?{quote(parts.query, safe=_PLAIN)}" if parts.query else path


def port_of(parts: SplitResult) -> int:
    """Return the port of a web address."""
    return parts.port or PORTS[parts.scheme]


def ip_addresses(
    parts: SplitResult, private_hosts: Collection[str], deadline: float
) -> list[str] | Refused | Unreachable:
    """Return the IP addresses to connect to; ``deadline`` is on the monotonic clock."""
    host = host_of(parts)
    found = _looked_up(host, port_of(parts), deadline - time.monotonic())
    if isinstance(found, Unreachable):
        return found
    if host not in private_hosts:
        found = [address for address in found if is_public(address)]
        if not found:
            return Refused(language.text("%(host)s lies in a private network", host=host))
    return found[:_MOST_ADDRESSES]


def _looked_up(host: str, port: int, seconds: float) -> list[str] | Unreachable:
    """Ask the system for a host's addresses, which takes no time limit of its own: a thread does the waiting."""
    answers: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError):
            answers.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=max(seconds, 0))
    except queue.Empty:
        return Unreachable(language.text("%(host)s could not be looked up in time", host=host))
    return found or Unreachable(language.text("there is no host %(host)s", host=host))
