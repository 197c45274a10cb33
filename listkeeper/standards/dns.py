"""Questions to the DNS and the four things that can come back (RFC 1035, 2308, 6891).

The only file that speaks DNS. Everything that needs a record takes a
``Resolver`` as an argument, so that a test, or the question "what if I
published this?", needs no network. A resolver never raises for trouble in the
DNS: what could not be learned is a ``TempFail`` that says why.
"""

from __future__ import annotations

import contextvars
import socket
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Lock
from typing import Protocol

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
from dns.rdata import Rdata

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

PARALLEL = 8
_DNS_PORT = 53
_LAST_PORT = 65535
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_CHAIN = 8
_LONGEST_STRING = 255
_LARGEST_UDP_ANSWER = 1232


@dataclass(frozen=True)
class _Reply:
    """What was asked, and which server was asked (``HOST:PORT``, empty when none was)."""

    name: str
    kind: str
    server: str


@dataclass(frozen=True)
class Answer(_Reply):
    """There are records.

    ``records`` are texts: TXT strings joined without a space and decoded as
    Latin-1, so that every byte is kept; addresses; names without the final
    dot; an MX record as ``10 mail.example``. ``ttl`` is in seconds.
    """

    records: tuple[str, ...]
    ttl: int

    def hosts(self) -> list[str]:
        """Return the hosts of an MX answer, best first; the null MX (RFC 7505) is an empty name."""
        pairs = [record.split(" ", 1) for record in self.records]
        return [host for _, host in sorted((int(preference), host) for preference, host in pairs)]


@dataclass(frozen=True)
class NxDomain(_Reply):
    """The name does not exist; ``ttl`` is how long that may be believed, in seconds."""

    ttl: int = 0


@dataclass(frozen=True)
class NoData(_Reply):
    """The name exists and has no record of this type."""

    ttl: int = 0


@dataclass(frozen=True)
class TempFail(_Reply):
    """Nothing was learned; ``reason`` says why in words."""

    reason: str


Outcome = Answer | NxDomain | NoData | TempFail


class Resolver(Protocol):
    """Answers questions about names; the seam between us and the DNS."""

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the records of one type at one name, CNAMEs followed. Never raises for DNS trouble."""


class LiveResolver:
    """Asks a real server: over UDP, then over TCP, in bounded time.

    ``server`` is ``HOST`` or ``HOST:PORT``; without it the system's own
    servers are asked. ``timeout`` is in seconds and counts for each try,
    ``whole`` for all of them, three times as long where it is not said. Raises
    Invalid when ``server`` is not an address.
    """

    def __init__(self, server: str | None = None, timeout: float = 2.0, whole: float | None = None) -> None:
        self._servers = _system_servers() if server is None else [_read_server(server)]
        self._timeout, self._whole = timeout, whole or 3 * timeout

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the records of one type at one name. Never raises for DNS trouble."""
        kind = kind.upper()
        owner = _dns_name(name)
        if owner is None:
            return NxDomain(name, kind, "")
        if not self._servers:
            return TempFail(name, kind, "", language.text("this machine has no DNS server set up"))
        deadline = time.monotonic() + self._whole
        for _ in range(_LONGEST_CHAIN):
            outcome = self._ask_all(name, owner, kind, deadline)
            if not isinstance(outcome, dns.name.Name):
                return outcome
            owner = outcome
        return TempFail(name, kind, self._servers[0].text, language.text("its aliases (CNAME) lead round in a circle"))

    def _ask_all(self, name: str, owner: dns.name.Name, kind: str, deadline: float) -> Outcome | dns.name.Name:
        """Try each server over UDP, then each over TCP, until one answers or the time is up."""
        failed = TempFail(name, kind, self._servers[0].text, language.text("no answer in time"))
        for over_tcp in (False, True):
            for server in self._servers:
                seconds = min(self._timeout, deadline - time.monotonic())
                if seconds <= 0:
                    return failed
                outcome = server.ask(name, owner, kind, seconds, over_tcp=over_tcp)
                if not isinstance(outcome, TempFail):
                    return outcome
                failed = outcome
        return failed


@dataclass(frozen=True)
class _Server:
    """One DNS server by its IP address."""

    address: str
    port: int

    @property
    def text(self) -> str:
        """The server as people write it, ``HOST:PORT``."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def ask(
        self, name: str, owner: dns.name.Name, kind: str, seconds: float, *, over_tcp: bool
    ) -> Outcome | dns.name.Name:
        """Ask once; a name comes back when the answer is an alias that leads out of it."""
        try:
            question = dns.message.make_query(owner, kind, payload=_LARGEST_UDP_ANSWER)
            reply = self._exchange(question, seconds, over_tcp=over_tcp)
            return self._read(name, owner, kind, reply)
        except dns.exception.Timeout:
            reason = language.text("no answer in time")
        except ConnectionError:
            reason = language.text("the server refuses connections")
        except dns.message.ChainTooLong:
            reason = language.text("its aliases (CNAME) lead round in a circle")
        except OSError as problem:
            reason = language.text("the server cannot be reached (%(error)s)", error=problem.strerror or "network")
        except Exception as problem:  # noqa: BLE001 - bytes from strangers: whatever they break, nothing was learned
            reason = language.text("the answer cannot be read (%(error)s)", error=type(problem).__name__)
        return TempFail(name, kind, self.text, reason)

    def _exchange(self, question: dns.message.Message, seconds: float, *, over_tcp: bool) -> dns.message.Message:
        if over_tcp:
            return dns.query.tcp(question, self.address, timeout=seconds, port=self.port)
        until = time.monotonic() + seconds
        # ignore_errors keeps listening past forged or broken packets until the time is up.
        reply = dns.query.udp(
            question, self.address, timeout=seconds, port=self.port, ignore_unexpected=True, ignore_errors=True
        )
        if reply.flags & dns.flags.TC:
            return dns.query.tcp(question, self.address, timeout=max(until - time.monotonic(), 0), port=self.port)
        return reply

    def _read(self, name: str, owner: dns.name.Name, kind: str, reply: dns.message.Message) -> Outcome | dns.name.Name:
        code = reply.rcode()
        if code not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} or not isinstance(reply, dns.message.QueryMessage):
            reason = language.text("the server answered %(code)s", code=dns.rcode.to_text(code))
            return TempFail(name, kind, self.text, reason)
        chain = reply.resolve_chaining()
        if chain.answer is not None:
            # Servers turn the order round; ours is fixed, so that two looks at one zone compare equal.
            records = tuple(sorted(_as_text(record) for record in chain.answer))
            return Answer(name, kind, self.text, records, chain.minimum_ttl)
        if code == dns.rcode.NXDOMAIN:
            return NxDomain(name, kind, self.text, chain.minimum_ttl)
        # An authoritative server answers with the alias alone when its target lives in another zone.
        if chain.cnames and chain.canonical_name != owner and not reply.authority:
            return chain.canonical_name
        return NoData(name, kind, self.text, chain.minimum_ttl)


def _as_text(record: Rdata) -> str:
    match record.rdtype:
        case dns.rdatatype.TXT:
            return b"".join(record.strings).decode("latin-1")  # type: ignore[attr-defined]
        case dns.rdatatype.MX:
            return f"{record.preference} {_host(record.exchange)}"  # type: ignore[attr-defined]
        case dns.rdatatype.PTR | dns.rdatatype.NS | dns.rdatatype.CNAME:
            return _host(record.target)  # type: ignore[attr-defined]
        case _:
            return record.to_text()


def _host(name: dns.name.Name) -> str:
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True)


def _system_servers() -> list[_Server]:
    try:
        named = dns.resolver.Resolver().nameservers
    except (dns.resolver.NoResolverConfiguration, OSError):
        return []
    return [_Server(str(address), _DNS_PORT) for address in named[:2]]


def _read_server(text: str) -> _Server:
    host, port = _split_port(text.strip())
    try:
        number = int(port)
        found = socket.getaddrinfo(host, number, type=socket.SOCK_DGRAM) if 0 < number <= _LAST_PORT else []
    except (OSError, ValueError):
        found = []
    if not found:
        raise Invalid(
            "dns_server",
            language.text(
                "%(server)s is no DNS server address. Write HOST or HOST:PORT, such as 192.0.2.53:53.", server=text
            ),
        )
    return _Server(str(found[0][4][0]), int(port))


def _split_port(text: str) -> tuple[str, str]:
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":") or str(_DNS_PORT)
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, str(_DNS_PORT)


def _labels(name: str) -> list[str] | None:
    """Return the labels of a name that can be asked for, else None."""
    labels = name.removesuffix(".").split(".")
    if not name.isascii() or len(name.removesuffix(".")) > _LONGEST_NAME:
        return None
    return labels if all(0 < len(label) <= _LONGEST_LABEL for label in labels) else None


def can_be_asked(name: str) -> bool:
    """Return whether a query for the name can be put on the wire: ASCII, labels of 1 to 63, at most 253 in all."""
    return _labels(name) is not None


def _dns_name(name: str) -> dns.name.Name | None:
    # Built from labels, not from text: SPF macros may put a backslash or a space into a name.
    labels = _labels(name)
    return None if labels is None else dns.name.Name([*(label.encode("ascii") for label in labels), b""])


Zone = Mapping[str, Mapping[str, Sequence[str]]]


class StaticResolver:
    """Answers from a zone held in memory: name → type → records as in ``Answer``.

    Names compare without case and CNAMEs are followed. A name in ``failing``
    gives a TempFail for every type the zone does not list for it.
    """

    def __init__(self, zone: Zone, *, failing: Collection[str] = (), ttl: int = 3600) -> None:
        self._zone = {
            _key(name): {kind.upper(): tuple(found) for kind, found in at.items()} for name, at in zone.items()
        }
        self._failing = {_key(name) for name in failing}
        self._ttl = ttl

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the records of one type at one name. Never raises."""
        kind, owner, server = kind.upper(), _key(name), "zone"
        if _labels(name) is None:
            return NxDomain(name, kind, server)
        for _ in range(_LONGEST_CHAIN):
            at = self._zone.get(owner, {})
            if kind in at:
                return Answer(name, kind, server, at[kind], self._ttl) if at[kind] else NoData(name, kind, server)
            if owner in self._failing:
                return TempFail(name, kind, server, language.text("no answer in time"))
            if "CNAME" not in at:
                return NoData(name, kind, server) if self._exists(owner) else NxDomain(name, kind, server)
            owner = _key(at["CNAME"][0])
        return TempFail(name, kind, server, language.text("its aliases (CNAME) lead round in a circle"))

    def _exists(self, owner: str) -> bool:
        return owner in self._zone or any(name.endswith(f".{owner}") for name in self._zone)


def _key(name: str) -> str:
    return name.removesuffix(".").lower()


class Remembering:
    """Asks each question once and remembers the outcome, also between threads.

    Made for one audit and thrown away with it: it knows no time to live.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._asked: dict[tuple[str, str], Future[Outcome]] = {}
        self._lock = Lock()

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the remembered outcome, or ask."""
        key = (_key(name), kind.upper())
        with self._lock:
            known = self._asked.get(key)
            asked = self._asked.setdefault(key, Future())
        if known is not None:
            return known.result()
        try:
            asked.set_result(self._resolver.query(name, kind))
        except BaseException as problem:
            # Others may be waiting for this answer: they must not wait for ever.
            asked.set_exception(problem)
            raise
        return asked.result()

    def knows(self, name: str, kind: str) -> bool:
        """Return whether the answer is at hand, so that nobody is kept waiting for it."""
        asked = self._asked.get((_key(name), kind.upper()))
        if asked is not None:
            return asked.done()
        return isinstance(self._resolver, Remembering) and self._resolver.knows(name, kind)

    def outcomes(self) -> list[Outcome]:
        """Return what came back of every question that was asked and has been answered."""
        with self._lock:
            asked = list(self._asked.values())
        return [each.result() for each in asked if each.done() and each.exception() is None]


def ask_all(resolver: Resolver, questions: Iterable[tuple[str, str]]) -> list[Outcome]:
    """Ask several (name, type) questions side by side; the outcomes come in the order of the questions."""
    asked = list(questions)
    open_ones = [one for one in asked if not (isinstance(resolver, Remembering) and resolver.knows(*one))]
    if len(open_ones) < 2:  # noqa: PLR2004 - one question needs no second thread
        return [resolver.query(name, kind) for name, kind in asked]
    with ThreadPoolExecutor(max_workers=min(PARALLEL, len(asked))) as pool:
        # Each thread speaks the caller's language: reasons are words for people.
        waiting = [pool.submit(contextvars.copy_context().run, resolver.query, name, kind) for name, kind in asked]
        return [future.result() for future in waiting]


def reverse_name(ip: str) -> str:
    """Return the name under in-addr.arpa or ip6.arpa that stands for an address."""
    return ip_address(ip).reverse_pointer


def quoted_strings(text: str) -> str:
    """Return a TXT value as zone files write it: quoted strings of at most 255 octets (RFC 1035 section 3.3)."""
    parts = [text[start : start + _LONGEST_STRING] for start in range(0, len(text), _LONGEST_STRING)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)
