"""Which zone a name lives in: the nearest name at or above it that has servers of its own (RFC 1034 section 4.2).

A record is typed into a zone, so its name has to be told apart into what the
zone is called and what stands in front of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from listkeeper.foundation import language
from listkeeper.standards import dns_authority
from listkeeper.standards.dns import Resolver, TempFail


@dataclass(frozen=True)
class Zone:
    """A zone and the names of the servers that answer for it."""

    name: str
    servers: tuple[str, ...]


@dataclass(frozen=True)
class NoZone:
    """Nobody answers for the name: most often the domain is not registered."""

    reason: str


@dataclass(frozen=True)
class UnknownZone:
    """The DNS gave no answer, so nothing was learned."""

    reason: str


def find(name: str, resolver: Resolver) -> Zone | NoZone | UnknownZone:
    """Return the zone of a name (A-label). Never raises for what the DNS holds.

    A top-level domain is no answer: nobody who reads this can type a record
    into it. Which other names belong to a registry the DNS does not tell.
    """
    found = dns_authority.beginning(name, resolver)
    if isinstance(found, TempFail):
        return _unknown(found)
    if found is not None:
        return Zone(found.name, tuple(filter(None, found.records)))
    words = language.text(
        "No DNS server answers for %(name)s. Check how it is spelled, and that the domain is registered.", name=name
    )
    return NoZone(words)


def _unknown(outcome: TempFail) -> UnknownZone:
    words = language.text(
        "Unknown where the records of %(name)s are kept, because the DNS gave no answer: %(reason)s.",
        name=outcome.name,
        reason=outcome.reason,
    )
    return UnknownZone(words)
