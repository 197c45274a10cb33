"""What was just published, asked of the servers in charge of it: a cache may remember for hours that it was not there.

For a person who changes a record and presses "check again"; receivers see what
their caches tell them, and that comes later.
"""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from threading import Lock

from listkeeper.standards import dns_authority
from listkeeper.standards.dns import Answer, NoData, NxDomain, Outcome, Resolver, TempFail
from listkeeper.standards.dns_authority import Connect, Zone

_MOST_ASKED = 3


class DirectResolver:
    """Asks a zone's own servers about the names in it, and the usual resolver about everything else.

    ``domain`` names the zone. A server that does not answer is passed over; where none of the first three answers, as
    behind a wall that lets no questions out, the usual resolver is asked. Never raises for trouble in the DNS.
    """

    def __init__(self, domain: str, resolver: Resolver, connect: Connect) -> None:
        self._domain, self._resolver, self._connect = domain, resolver, connect
        self._lock = Lock()

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the records of one type at one name."""
        with self._lock:
            zone, servers = self._in_charge
        if zone is None or not _lies_in(name, zone.name):
            return self._resolver.query(name, kind)
        for server in servers:
            said = server.query(name, kind)
            if isinstance(said, Answer):
                return said
            if isinstance(said, NoData | NxDomain):
                return said if self._is_theirs(name, zone) else self._resolver.query(name, kind)
        return self._resolver.query(name, kind)

    def _is_theirs(self, name: str, zone: Zone) -> bool:
        """Whether no zone of its own begins between: then they only know who to ask, and have no record themselves."""
        nearest = dns_authority.beginning(name, self._resolver)
        return isinstance(nearest, TempFail) or nearest is None or nearest.name.lower() == zone.name

    @cached_property
    def _in_charge(self) -> tuple[Zone | None, list[Resolver]]:
        """Find the zone, and those of its servers that answer as its own, the first in its order."""
        zone = dns_authority.zone_of(self._domain, self._resolver)
        if not isinstance(zone, Zone):
            return None, []
        servers = [self._connect(each.at) for each in zone.authorities if each.at][:_MOST_ASKED]
        with ThreadPoolExecutor(max_workers=_MOST_ASKED) as pool:
            # Each thread speaks the caller's language: reasons are words for people.
            asked = [pool.submit(contextvars.copy_context().run, server.query, zone.name, "SOA") for server in servers]
            begins = [future.result() for future in asked]
        return zone, [server for server, said in zip(servers, begins, strict=True) if isinstance(said, Answer)]


def _lies_in(name: str, zone: str) -> bool:
    plain = name.lower().removesuffix(".")
    return plain == zone or plain.endswith(f".{zone}")
