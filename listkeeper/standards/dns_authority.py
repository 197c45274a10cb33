"""What each server that is in charge of a name says of it (RFC 1034 sections 4.2 and 4.3).

A resolver asks one of them and remembers. Who wants to know whether a new
record has arrived everywhere, or whether two servers disagree, asks all of
them. Finding them needs a resolver; asking them needs one for each, made from
``HOST:PORT``: here nobody speaks DNS.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from listkeeper.foundation import language
from listkeeper.standards.dns import PARALLEL, Answer, Outcome, Resolver, TempFail, ask_all

MOST_SERVERS = 8
"""How many servers of a zone are asked; few zones have more than four."""

_DNS_PORT = 53
_MOST_STEPS = 10
_FEWEST_LABELS = 2

Connect = Callable[[str], Resolver]
"""Makes a resolver that asks the one server at ``HOST:PORT``, in bounded time."""


@dataclass(frozen=True)
class Authority:
    """A server a zone names.

    ``at`` is ``HOST:PORT``, empty when its name has no address or when that
    could not be looked up: then ``trouble`` says why in words.
    """

    host: str
    at: str
    trouble: str = ""


@dataclass(frozen=True)
class Zone:
    """A part of the tree of names, and the servers in charge of it. ``name`` is where it begins."""

    name: str
    authorities: tuple[Authority, ...]
    left_out: int = 0


@dataclass(frozen=True)
class NoZone:
    """The servers in charge are not known; ``reason`` says why in words."""

    reason: str


@dataclass(frozen=True)
class Lame:
    """A server that answers and is not in charge of the zone, or a name in the zone's list without a server.

    ``reason`` says in words which it is.
    """

    reason: str


@dataclass(frozen=True)
class Silent:
    """A server from which nothing was learned; ``reason`` says why in words."""

    reason: str


Said = tuple[Outcome, ...] | Lame | Silent
"""What one server said: the outcomes in the order of the questions, or why there are none."""


@dataclass(frozen=True)
class Survey:
    """What was asked, and what each server of the zone said."""

    zone: Zone
    questions: tuple[tuple[str, str], ...]
    said: dict[Authority, Said]


def beginning(name: str, resolver: Resolver) -> Answer | TempFail | None:
    """Return the NS answer of the nearest zone at or above a name; None when there is none, TempFail when unknown.

    A top-level domain is no answer: nobody who asks can change it. Of a very
    long name only the last labels are looked at.
    """
    labels = name.lower().removesuffix(".").split(".")
    start = max(0, len(labels) - _MOST_STEPS)
    above = [".".join(labels[at:]) for at in range(start, len(labels) - _FEWEST_LABELS + 1)]
    for outcome in ask_all(resolver, [(owner, "NS") for owner in above]):
        if isinstance(outcome, TempFail):
            return outcome
        if not isinstance(outcome, Answer) or not any(outcome.records):
            continue
        # An alias answers with the servers of the zone it points to, and no zone begins at one (RFC 2181 10.1).
        alias = resolver.query(outcome.name, "CNAME")
        if isinstance(alias, TempFail):
            return alias
        if not isinstance(alias, Answer):
            return outcome
    return None


def zone_of(name: str, resolver: Resolver) -> Zone | NoZone:
    """Return the zone a name lies in: the nearest name above it, or itself, that has NS records of its own."""
    found = beginning(name, resolver)
    if isinstance(found, TempFail):
        return NoZone(found.reason)
    if found is None:
        return NoZone(language.text("no name server is in charge of %(name)s", name=name))
    return _with_addresses(found.name, found, resolver)


def _with_addresses(owner: str, named: Answer, resolver: Resolver) -> Zone:
    hosts = list(dict.fromkeys(host.lower() for host in named.records if host))
    asked = hosts[:MOST_SERVERS]
    found = ask_all(resolver, [(host, kind) for host in asked for kind in ("A", "AAAA")])
    authorities = [_authority(host, found[2 * at : 2 * at + 2]) for at, host in enumerate(asked)]
    return Zone(owner, tuple(authorities), len(hosts) - len(asked))


def _authority(host: str, outcomes: Sequence[Outcome]) -> Authority:
    """Return the server at the first address; IPv4 first, which every machine can reach."""
    addresses = [record for said in outcomes if isinstance(said, Answer) for record in said.records]
    if not addresses:
        failed = next((said.reason for said in outcomes if isinstance(said, TempFail)), "")
        return Authority(host, "", failed)
    address = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return Authority(host, f"{address}:{_DNS_PORT}")


def ask_authorities(
    name: str, questions: Sequence[tuple[str, str]], resolver: Resolver, connect: Connect
) -> Survey | NoZone:
    """Ask every server of the zone of a name the same (name, type) questions, side by side.

    ``questions`` lie in that zone. Where a name is an alias, the alias itself
    is asked for: what it stands for is another zone's to answer. At most eight
    servers are asked, one more question each than there are; a server that does
    not answer the first is not asked the others.
    """
    zone = zone_of(name, resolver)
    if isinstance(zone, NoZone):
        return zone
    aliases = ask_all(resolver, [(asked, "CNAME") for asked, _ in questions])
    wanted = tuple(
        (asked, "CNAME" if isinstance(alias, Answer) else kind)
        for (asked, kind), alias in zip(questions, aliases, strict=True)
    )
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        # Each thread speaks the caller's language: reasons are words for people.
        waiting = [
            pool.submit(contextvars.copy_context().run, _ask_one, authority, zone.name, wanted, connect)
            for authority in zone.authorities
        ]
        said = [future.result() for future in waiting]
    return Survey(zone, wanted, dict(zip(zone.authorities, said, strict=True)))


def _ask_one(authority: Authority, zone: str, questions: Sequence[tuple[str, str]], connect: Connect) -> Said:
    if authority.trouble:
        return Silent(authority.trouble)
    if not authority.at:
        return Lame(language.text("its name has no address"))
    server = connect(authority.at)
    # A server in charge knows where its zone begins; one that is not sends us elsewhere, or to nowhere.
    begins = server.query(zone, "SOA")
    if isinstance(begins, TempFail):
        return Silent(begins.reason)
    if not isinstance(begins, Answer):
        return Lame(language.text("it does not know the zone %(zone)s", zone=zone))
    return tuple(server.query(name, kind) for name, kind in questions)
