"""The only door to foreign web servers: whether a link leads anywhere, small pages, posts to a provider's interface.

Which addresses are asked is in ``fetch_address``, the connection in
``fetch_wire``, the posts in ``fetch_line``. Redirects of links are followed by
hand, each under the same rules; a page is read where it was asked for, and a
post goes where it was sent, or nowhere. Time and size are bounded.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import SplitResult, urljoin

from listkeeper.foundation import fetch_address, fetch_wire, language
from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_line import Answer, Line, NotSent, Unanswered
from listkeeper.foundation.fetch_wire import PROBLEMS, Watch, Wire

__all__ = [
    "SECONDS",
    "Answer",
    "Fetcher",
    "Line",
    "LiveFetcher",
    "NotSent",
    "Outcome",
    "Reached",
    "Refused",
    "Unanswered",
    "Unreachable",
]

SECONDS = 5.0
MOST_REDIRECTS = 3
LARGEST_PAGE = 65_536
_MOST_BYTES = 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_HEAD = frozenset({405, 501})
_LINK_CHECK = {"User-Agent": "listkeeper-link-check", "Accept": "*/*", "Connection": "close"}
_PAGE_READER = {"User-Agent": "listkeeper", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}


@dataclass(frozen=True)
class Reached:
    """A web server answered; ``status`` is its HTTP status, ``final_url`` where redirects led.

    ``certificate_ends`` is until when its certificate is valid, None where nothing was encrypted.
    """

    status: int
    final_url: str
    certificate_ends: datetime | None = field(default=None, compare=False)


Outcome = Reached | Unreachable | Refused


class Fetcher(Protocol):
    """Asks web servers; the seam between us and the web."""

    def head(self, url: str, /) -> Outcome:
        """Return whether a web address answers. Never raises."""


class PageReader(Protocol):
    """Reads a page of a web server; the seam of whoever needs what stands there."""

    def get(self, url: str, /) -> Answer | Refused | Unreachable:
        """Return what is at a web address, whose certificate is valid, without following redirects. Never raises."""


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
        parts = fetch_address.read(url)
        if isinstance(parts, Refused):
            return parts
        addresses = fetch_address.ip_addresses(parts, self._private_hosts, deadline)
        if not isinstance(addresses, list):
            return addresses
        outcome: Outcome | str = Unreachable(language.text("no answer in time"))
        for address, until in _shared(addresses, deadline):
            outcome = self._ask(url, parts, address, until)
            if not isinstance(outcome, Unreachable):
                break
        return outcome

    def _ask(self, url: str, parts: SplitResult, address: str, deadline: float) -> Outcome | str:
        try:
            status, location, ends = self._exchange("HEAD", parts, address, deadline)
            if status in _NO_HEAD:
                status, location, ends = self._exchange("GET", parts, address, deadline)
            return urljoin(url, location) if status in _REDIRECTS and location else Reached(status, url, ends)
        except PROBLEMS as problem:
            return fetch_wire.trouble(problem)

    def _exchange(
        self, method: str, parts: SplitResult, address: str, deadline: float
    ) -> tuple[int, str | None, datetime | None]:
        wire = fetch_wire.wired(parts, address, deadline, self._tls)
        try:
            with Watch(wire.handle, deadline):
                ends = wire.certificate_ends
                wire.connection.request(method, fetch_address.path_of(parts), headers=_LINK_CHECK)
                with wire.connection.getresponse() as response:
                    if method == "GET":
                        response.read(_MOST_BYTES)
                    return response.status, response.headers.get("Location"), ends
        finally:
            wire.close()

    def get(self, url: str, /) -> Answer | Refused | Unreachable:
        """Return the page at an ``https`` address, whose certificate is valid, as it stands there. Never raises.

        Redirects are answers like others. Of a page of more than 64 kB there
        is one octet more than that, so that it can be told from one that is whole.
        """
        deadline = time.monotonic() + self._seconds
        parts = fetch_address.read(url)
        if isinstance(parts, Refused):
            return parts
        if parts.scheme != "https":
            return Refused(language.text("only https addresses are read"))
        addresses = fetch_address.ip_addresses(parts, self._private_hosts, deadline)
        if not isinstance(addresses, list):
            return addresses
        why = Unreachable(language.text("no answer in time"))
        for address, until in _shared(addresses, deadline):
            try:
                return self._page(parts, address, until)
            except PROBLEMS as problem:
                why = fetch_wire.trouble(problem)
        return why

    def _page(self, parts: SplitResult, address: str, deadline: float) -> Answer:
        wire = fetch_wire.wired(parts, address, deadline, self._tls)
        try:
            with Watch(wire.handle, deadline) as watch:
                wire.connection.request("GET", fetch_address.path_of(parts), headers=_PAGE_READER)
                with wire.connection.getresponse() as response:
                    body = response.read(LARGEST_PAGE + 1)
                    if len(body) <= LARGEST_PAGE and (watch.has_ended or response.length):
                        # Its end never came: what is here may mean something else than the whole.
                        raise http.client.IncompleteRead(body)
                    return Answer(response.status, _lowered(response.getheaders()), body)
        finally:
            wire.close()

    def line(self, origin: str, *, seconds: float = SECONDS) -> Line:
        """Return a line to one web server, ``https://host[:port]``, that posts take at most so many seconds on."""
        return Line(origin, seconds, self._dialled)

    def _dialled(self, origin: str, seconds: float) -> Wire | Refused | Unreachable:
        deadline = time.monotonic() + seconds
        parts = fetch_address.read(origin)
        if isinstance(parts, Refused):
            return parts
        addresses = fetch_address.ip_addresses(parts, self._private_hosts, deadline)
        if not isinstance(addresses, list):
            return addresses
        why = Unreachable(language.text("no answer in time"))
        for address, until in _shared(addresses, deadline):
            try:
                return fetch_wire.wired(parts, address, until, self._tls)
            except PROBLEMS as problem:
                why = fetch_wire.trouble(problem)
        return why


def _shared(addresses: Sequence[str], deadline: float) -> Iterator[tuple[str, float]]:
    """Give each address its share of the time that is left, so that a dead one cannot use up all of it."""
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        now = time.monotonic()
        yield address, now + (deadline - now) / left


def _lowered(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers}
