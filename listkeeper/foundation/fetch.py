"""The only door to foreign web servers: whether a link in a letter leads anywhere.

A link is written by a person and may point anywhere, also at the machine we
run on or at its neighbours. So the address is looked up once, networks that
are not public are refused unless the host is named in the settings, and the
connection goes to that very address: a name that changes its mind between the
look-up and the connection gains nothing. Redirects are followed by hand, each
under the same rules. Time and size are bounded.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol, Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from listkeeper.foundation import language

SECONDS = 5.0
MOST_REDIRECTS = 3
_MOST_BYTES = 1024
_MOST_ADDRESSES = 4
_LONGEST_URL = 4096
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_HEAD = frozenset({405, 501})
# What may stand in a path or query as it is; the rest is percent-encoded (RFC 3986).
_PLAIN = "/%:@!$&'()*+,;=~-._?"
# Addresses of other families travel inside these.
_NAT64 = ip_network("64:ff9b::/96")
_SPECIAL = ip_network("192.0.0.0/24")
_GLOBAL_UNICAST = ip_network("2000::/3")


@dataclass(frozen=True)
class Reached:
    """A web server answered; ``status`` is its HTTP status, ``final_url`` where redirects led."""

    status: int
    final_url: str


@dataclass(frozen=True)
class Unreachable:
    """Nobody answered, or not in a way that can be read; ``reason`` says why in words."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """We did not ask; ``reason`` says why in words."""

    reason: str


Outcome = Reached | Unreachable | Refused


class Fetcher(Protocol):
    """Asks web servers; the seam between us and the web."""

    def head(self, url: str, /) -> Outcome:
        """Return whether a web address answers. Never raises."""


class LiveFetcher:
    """Asks real web servers.

    ``private_hosts`` are hosts that may be asked although their address is
    not public. ``authorities`` is a file of certificate authorities to trust
    in place of the system's.
    """

    def __init__(
        self, private_hosts: Collection[str] = (), *, seconds: float = SECONDS, authorities: str | None = None
    ) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)
        self._seconds = seconds
        self._tls = ssl.create_default_context(cafile=authorities)

    def head(self, url: str, /) -> Outcome:
        """Return whether a web address answers: by HEAD, or by GET where HEAD is not known. Never raises."""
        deadline = time.monotonic() + self._seconds
        for _ in range(MOST_REDIRECTS + 1):
            step = self._visit(url, deadline)
            if not isinstance(step, str):
                return step
            url = step
        return Unreachable(language.text("it is passed on more than %(most)s times", most=MOST_REDIRECTS))

    def _visit(self, url: str, deadline: float) -> Outcome | str:
        """Ask one address; a text that comes back is where it is passed on to."""
        parts = _parts(url)
        if isinstance(parts, Refused):
            return parts
        addresses = self._addresses(parts, deadline)
        if not isinstance(addresses, list):
            return addresses
        outcome: Outcome | str = Unreachable(language.text("no answer in time"))
        for left in range(len(addresses), 0, -1):
            # Each address gets its share of the time, so that a dead one cannot use up all of it.
            share = (deadline - time.monotonic()) / left
            outcome = self._ask(url, parts, addresses[-left], time.monotonic() + share)
            if not isinstance(outcome, Unreachable):
                break
        return outcome

    def _addresses(self, parts: SplitResult, deadline: float) -> list[str] | Outcome:
        host = _host(parts)
        found = _looked_up(host, parts.port or _PORTS[parts.scheme], deadline - time.monotonic())
        if isinstance(found, Unreachable):
            return found
        if host not in self._private_hosts:
            found = [address for address in found if is_public(address)]
            if not found:
                return Refused(language.text("%(host)s lies in a private network", host=host))
        return found[:_MOST_ADDRESSES]

    def _ask(self, url: str, parts: SplitResult, address: str, deadline: float) -> Outcome | str:
        try:
            status, location = self._exchange("HEAD", parts, address, deadline)
            if status in _NO_HEAD:
                status, location = self._exchange("GET", parts, address, deadline)
            return urljoin(url, location) if status in _REDIRECTS and location else Reached(status, url)
        except ssl.SSLCertVerificationError as problem:
            return Unreachable(language.text("its certificate is not valid: %(error)s", error=problem.verify_message))
        except ssl.SSLError:
            return Unreachable(language.text("no secure connection can be made"))
        except TimeoutError:
            return Unreachable(language.text("no answer in time"))
        except ConnectionRefusedError:
            return Unreachable(language.text("the web server refuses connections"))
        except (OSError, http.client.HTTPException, ValueError):
            return Unreachable(language.text("the web server gives no answer that can be read"))

    def _exchange(self, method: str, parts: SplitResult, address: str, deadline: float) -> tuple[int, str | None]:
        port = parts.port or _PORTS[parts.scheme]
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection = http.client.HTTPConnection(_host(parts), port, timeout=left)
        connection.default_port = _PORTS[parts.scheme]
        # A server that drips one byte a second resets every timeout but this one.
        with socket.create_connection((address, port), timeout=left) as plain, _Watch(plain, left) as watch:
            try:
                secure = (
                    self._tls.wrap_socket(plain, server_hostname=_host(parts)) if parts.scheme == "https" else plain
                )
                connection.sock = secure
                connection.request(method, _path(parts), headers=_HEADERS)
                with connection.getresponse() as response:
                    if method == "GET":
                        response.read(_MOST_BYTES)
                    return response.status, response.headers.get("Location")
            except (OSError, http.client.HTTPException):
                if watch.ended:
                    raise TimeoutError from None
                raise
            finally:
                connection.close()


_HEADERS = {"User-Agent": "listkeeper-link-check", "Accept": "*/*", "Connection": "close"}


class _Watch:
    """Ends a connection when its whole time is up."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        # A duplicate of the descriptor stays valid when TLS takes the socket over.
        self._connection = connection.dup()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.ended = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._connection.close()

    def _end(self) -> None:
        self.ended = True
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It ended by itself in the same moment.
            return


def _parts(url: str) -> SplitResult | Refused:
    """Return a web address in its parts, or why it is not asked."""
    if len(url) > _LONGEST_URL:
        return Refused(language.text("the address is too long"))
    if any(ord(char) <= ord(" ") for char in url):
        return Refused(language.text("the address holds spaces or hidden characters"))
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and bool(_host(parts))
    except (ValueError, UnicodeError):
        return Refused(language.text("it is no web address"))
    if parts.scheme not in _PORTS:
        return Refused(language.text("only http and https addresses are asked"))
    if parts.username is not None or parts.password is not None:
        return Refused(language.text("the address holds a user name"))
    return parts if usable else Refused(language.text("it is no web address"))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_PLAIN)
    return f"{path}?{quote(parts.query, safe=_PLAIN)}" if parts.query else path


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


def is_public(address: str) -> bool:
    """Return whether an IP address lies in the public internet, also when another is packed into it."""
    ip = ip_address(address.partition("%")[0])
    inner = _packed_inside(ip)
    if inner is not None:
        return is_public(str(inner))
    # Older Python releases call some special networks global: these two rules hold on all of them.
    outside = ip in _SPECIAL if isinstance(ip, IPv4Address) else ip not in _GLOBAL_UNICAST
    return ip.is_global and not (ip.is_private or ip.is_multicast or ip.is_reserved or outside)


def _packed_inside(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    teredo = ip.teredo
    return ip.ipv4_mapped or ip.sixtofour or (teredo[1] if teredo else None)
