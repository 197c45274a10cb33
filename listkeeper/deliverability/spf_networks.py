"""Every address that an SPF record lets send, flattened from the whole tree (RFC 7208 section 5).

Only terms that let pass count, and only those that are reached: what an ``all``
cuts off is left out. A negative term in front of a positive one is not
subtracted, so a count may be too high, never too low.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail, ask_all
from listkeeper.standards.spf import MOST_NAMES
from listkeeper.standards.spf_record import COSTLY, Mechanism, Record
from listkeeper.standards.spf_tree import Branch, Survey

Network = IPv4Network | IPv6Network

# A record of 64 kB could name thousands; the page shows some hundred at most.
_MOST_NETWORKS = 5000
# As wide as no sender needs: 16.8 million addresses of version 4.
_WIDE = 8


@dataclass(frozen=True)
class Allowed:
    """One network that may send, and the terms that lead to it, outermost first."""

    network: Network
    path: tuple[str, ...]

    @property
    def wide(self) -> bool:
        """Whether it is wider than any sender needs: a /8 or wider."""
        return self.network.prefixlen <= _WIDE


@dataclass
class Networks:
    """What a record allows.

    ``everybody`` holds the ways to a term that lets the whole world pass,
    ``by_message`` terms that depend on the message (exists, ptr, macros),
    ``unknown`` terms whose addresses were not learned; ``cut`` says that there
    were more networks than are listed.
    """

    allowed: list[Allowed] = field(default_factory=list)
    everybody: list[tuple[str, ...]] = field(default_factory=list)
    by_message: list[tuple[str, ...]] = field(default_factory=list)
    unknown: list[tuple[str, ...]] = field(default_factory=list)
    cut: bool = False

    @property
    def version4(self) -> list[IPv4Network]:
        """The networks of IP version 4 without overlap, in order."""
        return list(collapse_addresses(one.network for one in self.allowed if isinstance(one.network, IPv4Network)))

    @property
    def version6(self) -> list[IPv6Network]:
        """The networks of IP version 6 without overlap, in order."""
        return list(collapse_addresses(one.network for one in self.allowed if isinstance(one.network, IPv6Network)))

    @property
    def addresses4(self) -> int:
        """How many addresses of IP version 4 may send."""
        return sum(network.num_addresses for network in self.version4)


def collect(domain: str, record: Record, tree: Survey, resolver: Resolver) -> Networks:
    """Return what a record allows; ``tree`` is its survey, and ``resolver`` best remembers what that asked."""
    found = Networks()
    _Collector(resolver, found).walk(domain, record, tree.branches, ())
    return found


@dataclass
class _Collector:
    resolver: Resolver
    found: Networks

    def walk(self, domain: str, record: Record, branches: Sequence[Branch], path: tuple[str, ...]) -> None:
        """Read one record; ``branches`` are those of the survey, in the order of the costly terms."""
        below = iter(branches)
        for term in record.mechanisms:
            branch = next(below, None) if term.name in COSTLY else None
            if term.qualifier == "+":
                self._read(term, domain, branch, (*path, term.text))
            if term.name == "all":
                return
        if record.redirect:
            self._enter(next(below, None), (*path, record.redirect.text))

    def _read(self, term: Mechanism, domain: str, branch: Branch | None, path: tuple[str, ...]) -> None:
        if term.name == "all":
            self.found.everybody.append(path)
        elif term.name in {"exists", "ptr"} or "%" in term.target:
            self.found.by_message.append(path)
        elif term.name == "include":
            self._enter(branch, path)
        elif term.name in {"ip4", "ip6"}:
            self._add(term.target, term, path)
        else:
            self._add_hosts(term, (term.target or domain).removesuffix("."), path)

    def _enter(self, branch: Branch | None, path: tuple[str, ...]) -> None:
        if branch is not None and branch.record is not None:
            self.walk(branch.target, branch.record, branch.branches, path)
        elif branch is not None and "%" in branch.target:
            self.found.by_message.append(path)
        elif branch is None or branch.flaw is None:
            self.found.unknown.append(path)

    def _add_hosts(self, term: Mechanism, name: str, path: tuple[str, ...]) -> None:
        hosts = [name]
        if term.name == "mx":
            mail = self.resolver.query(name, "MX")
            if isinstance(mail, TempFail):
                self.found.unknown.append(path)
            hosts = [host for host in mail.hosts() if host][:MOST_NAMES] if isinstance(mail, Answer) else []
        outcomes = ask_all(self.resolver, [(host, kind) for host in hosts for kind in ("A", "AAAA")])
        if any(isinstance(outcome, TempFail) for outcome in outcomes):
            self.found.unknown.append(path)
        for address in _addresses(outcomes):
            self._add(address, term, path)

    def _add(self, address: str, term: Mechanism, path: tuple[str, ...]) -> None:
        if len(self.found.allowed) >= _MOST_NETWORKS:
            self.found.cut = True
            return
        bits = term.bits6 if ":" in address else term.bits4
        self.found.allowed.append(Allowed(ip_network(f"{address}/{bits}", strict=False), path))


def _addresses(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        yield from outcome.records if isinstance(outcome, Answer) else ()


def repeated(found: Networks) -> list[tuple[Allowed, Allowed]]:
    """Return the networks that another one covers already, each with that other one; of two equal ones the later."""
    first: dict[tuple[int, int, int], Allowed] = {}
    for one in found.allowed:
        first.setdefault(_key(one.network), one)
    pairs = ((one, _cover(one, first)) for one in found.allowed)
    return [(one, other) for one, other in pairs if other is not None]


def _key(network: Network) -> tuple[int, int, int]:
    return network.version, network.prefixlen, int(network.network_address)


def _cover(one: Allowed, first: dict[tuple[int, int, int], Allowed]) -> Allowed | None:
    """Look each wider network up by its own key: comparing all with all would take minutes on a hostile record."""
    version, bits, start = _key(one.network)
    width = one.network.max_prefixlen
    for wider in range(bits + 1):
        other = first.get((version, wider, start >> (width - wider) << (width - wider)))
        if other is not None and other is not one:
            return other
    return None
