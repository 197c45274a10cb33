"""The only door to foreign web servers: whether a link leads anywhere, and posts to a mail provider's interface.

A link is written by a person and may point anywhere, also at the machine we
run on or at its neighbours. So the address is looked up once, networks that
are not public are refused unless the host is named in the settings, and the
connection goes to that very address: a name that changes its mind between the
look-up and the connection gains nothing. Redirects of links are followed by
hand, each under the same rules; a post goes where it was sent, or nowhere.
Time and size are bounded.
"""

from __future__ import annotations

import http.client
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from listkeeper.foundation import language
from listkeeper.foundation.public_network import is_public

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
# What came of a post is said in a few hundred bytes; of a longer answer only the beginning is read.
_MOST_OF_AN_ANSWER = 65_536
# Servers hang up on those who are idle: after a pause a new connection is safer than a post into an old one.
_IDLE_SECONDS = 10.0
# What goes wrong on the wire.
_PROBLEMS = (OSError, http.client.HTTPException, ValueError)


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


@dataclass(frozen=True)
class Answer:
    """A web server answered a post. Names of headers are in lower case; of a long body the beginning is here."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NotSent:
    """The post did not leave whole, so nobody has taken it; ``reason`` says why in words."""

    reason: str


@dataclass(frozen=True)
class Unanswered:
    """The post left whole and no answer came: only the server knows what became of it."""

    reason: str


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

    def _addresses(self, parts: SplitResult, deadline: float) -> list[str] | Refused | Unreachable:
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
        except _PROBLEMS as problem:
            return Unreachable(_why(problem))

    def _exchange(self, method: str, parts: SplitResult, address: str, deadline: float) -> tuple[int, str | None]:
        wire = self._wired(parts, address, deadline)
        try:
            with _Watch(wire.handle, deadline):
                wire.connection.request(method, _path(parts), headers=_HEADERS)
                with wire.connection.getresponse() as response:
                    if method == "GET":
                        response.read(_MOST_BYTES)
                    return response.status, response.headers.get("Location")
        finally:
            wire.close()

    def _wired(self, parts: SplitResult, address: str, deadline: float) -> _Wire:
        """Open a connection to an address. Raises one of ``_PROBLEMS``."""
        port = parts.port or _PORTS[parts.scheme]
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection = http.client.HTTPConnection(_host(parts), port, timeout=left)
        connection.default_port = _PORTS[parts.scheme]
        # Of its own it would look the name up again, and connect to whatever it finds.
        connection.auto_open = 0
        plain = socket.create_connection((address, port), timeout=left)
        # The head and the body of a post are two writes; without this the second would wait for an ACK.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = _Wire(connection, plain.dup())
        connection.sock = plain
        try:
            with _Watch(wire.handle, deadline):
                if parts.scheme == "https":
                    connection.sock = self._tls.wrap_socket(plain, server_hostname=_host(parts))
        except BaseException:
            wire.close()
            raise
        return wire

    def line(self, origin: str, *, seconds: float = SECONDS) -> Line:
        """Return a line to one web server, ``https://host[:port]``, that posts take at most so many seconds on."""
        return Line(origin, seconds, self._dialled)

    def _dialled(self, origin: str, seconds: float) -> _Wire | Refused | Unreachable:
        deadline = time.monotonic() + seconds
        parts = _parts(origin)
        if isinstance(parts, Refused):
            return parts
        addresses = self._addresses(parts, deadline)
        if not isinstance(addresses, list):
            return addresses
        why = language.text("no answer in time")
        for left in range(len(addresses), 0, -1):
            share = (deadline - time.monotonic()) / left
            try:
                return self._wired(parts, addresses[-left], time.monotonic() + share)
            except _PROBLEMS as problem:
                why = _why(problem)
        return Unreachable(why)


class Line:
    """One connection to one web server, kept open over many posts."""

    def __init__(
        self, origin: str, seconds: float, dial: Callable[[str, float], _Wire | Refused | Unreachable]
    ) -> None:
        self._origin = origin
        self._seconds = seconds
        self._dial = dial
        self._wire: _Wire | None = None
        self._used_at = 0.0

    def open(self) -> Refused | Unreachable | None:
        """Be connected, or say why not."""
        if self._wire is not None and (time.monotonic() - self._used_at > _IDLE_SECONDS or self._wire.has_ended()):
            self.close()
        if self._wire is None:
            dialled = self._dial(self._origin, self._seconds)
            if not isinstance(dialled, _Wire):
                return dialled
            self._wire, self._used_at = dialled, time.monotonic()
        return None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer | NotSent | Unanswered:
        """Post and return what came of it. Never raises, and says nothing of what the post held."""
        refused = self.open()
        if refused is not None or self._wire is None:
            return NotSent(refused.reason if refused else "")
        wire, deadline, left_whole = self._wire, time.monotonic() + self._seconds, False
        try:
            with _Watch(wire.handle, deadline):
                wire.connection.request("POST", path, body=body, headers=dict(headers))
                # The length was announced: whoever has not the last byte has no post.
                left_whole = True
                answer = self._answer(wire.connection)
        except _PROBLEMS as problem:
            self.close()
            return Unanswered(_why(problem)) if left_whole else NotSent(_why(problem))
        self._used_at = time.monotonic()
        return answer

    def _answer(self, connection: http.client.HTTPConnection) -> Answer:
        with connection.getresponse() as response:
            headers = {name.lower(): value for name, value in response.getheaders()}
            try:
                body = response.read(_MOST_OF_AN_ANSWER)
                over = response.isclosed() and not response.will_close
            except _PROBLEMS:
                # The status stands, whatever became of the words that belong to it.
                body, over = b"", False
        if not over:
            self.close()
        return Answer(response.status, headers, body)

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None


@dataclass(frozen=True)
class _Wire:
    """An open connection, and a duplicate of its descriptor that stays valid when TLS takes the socket over."""

    connection: http.client.HTTPConnection
    handle: socket.socket

    def has_ended(self) -> bool:
        """Whether the other side has hung up, or said something nobody asked for."""
        return bool(select.select([self.handle], [], [], 0)[0])

    def close(self) -> None:
        self.connection.close()
        self.handle.close()


_HEADERS = {"User-Agent": "listkeeper-link-check", "Accept": "*/*", "Connection": "close"}


class _Watch:
    """Ends a connection when its time is up: a server that drips one byte a second resets every other timeout."""

    def __init__(self, handle: socket.socket, deadline: float) -> None:
        self._handle = handle
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0), self._end)
        self._timer.daemon = True
        self._ended = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        if self._ended and isinstance(problem, _PROBLEMS):
            raise TimeoutError from None

    def _end(self) -> None:
        self._ended = True
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It ended by itself in the same moment.
            return


def _why(problem: Exception) -> str:
    """Return in words what went wrong; never the problem's own, which may quote what was sent."""
    match problem:
        case ssl.SSLCertVerificationError():
            return language.text("its certificate is not valid: %(error)s", error=problem.verify_message)
        case ssl.SSLError():
            return language.text("no secure connection can be made")
        case TimeoutError():
            return language.text("no answer in time")
        case ConnectionRefusedError():
            return language.text("the web server refuses connections")
        case _:
            return language.text("the web server gives no answer that can be read")


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
