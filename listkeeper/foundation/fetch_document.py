"""Whole documents of foreign web servers, a few megabytes at most: under the rules of every fetch.

Redirects are followed by hand, each under the same rules; from an encrypted
address none leads to one in the clear. What a server said of a document
(``ETag``, ``Last-Modified``) can be sent back, so that an unchanged one costs
one short answer (RFC 9110 section 13).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from listkeeper.foundation import fetch_address, fetch_wire, language
from listkeeper.foundation.fetch_address import Refused, Unreachable
from listkeeper.foundation.fetch_wire import PROBLEMS, Watch

SECONDS = 10.0
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READER = {"User-Agent": "listkeeper", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_NO_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Document:
    """A web server answered. Names of headers are in lower case; ``url`` is where redirects led.

    Of a body that is longer than was asked for, there is one octet more than that.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class DocumentReader(Protocol):
    """Reads documents of web servers; the seam of whoever needs what stands there."""

    def read(
        self, url: str, /, *, most: int, headers: Mapping[str, str] = _NO_MORE
    ) -> Document | Refused | Unreachable:
        """Return the document at a web address, at most so many octets of it and one more. Never raises."""


class LiveDocuments:
    """Reads from real web servers; ``private_hosts`` and ``authorities`` are those of ``fetch.LiveFetcher``."""

    def __init__(
        self, private_hosts: Collection[str] = (), *, seconds: float = SECONDS, authorities: str | None = None
    ) -> None:
        self._private_hosts = frozenset(host.lower() for host in private_hosts)
        self._seconds = seconds
        self._tls = ssl.create_default_context(cafile=authorities)

    def read(
        self, url: str, /, *, most: int, headers: Mapping[str, str] = _NO_MORE
    ) -> Document | Refused | Unreachable:
        """Return the document at a web address, at most so many octets of it and one more. Never raises."""
        deadline = time.monotonic() + self._seconds
        for _ in range(_MOST_REDIRECTS + 1):
            document = self._visit(url, most, headers, deadline)
            if not isinstance(document, Document) or document.status not in _REDIRECTS:
                return document
            if not (onward := document.headers.get("location")):
                return document
            there = _onward(url, onward)
            if isinstance(there, Refused):
                return there
            url = there
        return Unreachable(language.text("it is passed on more than %(most)s times", most=_MOST_REDIRECTS))

    def _visit(
        self, url: str, most: int, headers: Mapping[str, str], deadline: float
    ) -> Document | Refused | Unreachable:
        parts = fetch_address.read(url)
        if isinstance(parts, Refused):
            return parts
        addresses = fetch_address.ip_addresses(parts, self._private_hosts, deadline)
        if not isinstance(addresses, list):
            return addresses
        why = Unreachable(language.text("no answer in time"))
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # Each address gets its share of the time that is left, so that a dead one cannot use up all of it.
            now = time.monotonic()
            try:
                status, said, body = self._exchange(parts, address, most, headers, now + (deadline - now) / left)
                return Document(status, said, body, url)
            except PROBLEMS as problem:
                why = fetch_wire.trouble(problem)
        return why

    def _exchange(
        self, parts: SplitResult, address: str, most: int, headers: Mapping[str, str], deadline: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        wire = fetch_wire.wired(parts, address, deadline, self._tls)
        try:
            with Watch(wire.handle, deadline) as watch:
                wire.connection.request("GET", fetch_address.path_of(parts), headers={**_READER, **headers})
                with wire.connection.getresponse() as response:
                    body = response.read(most + 1)
                    if len(body) <= most and (watch.has_ended or response.length):
                        # Its end never came: half a document is not the document.
                        raise ConnectionResetError
                    said = {name.lower(): value for name, value in response.getheaders()}
                    return response.status, said, body
        finally:
            wire.close()


def _onward(url: str, location: str) -> str | Refused:
    """Return where a redirect leads, or why it is not followed."""
    try:
        there = urljoin(url, location)
        in_the_clear = urlsplit(there).scheme == "http"
    except ValueError:
        return Refused(language.text("it is no web address"))
    if in_the_clear and urlsplit(url).scheme == "https":
        return Refused(language.text("it is passed on to an address that is not encrypted"))
    return there
