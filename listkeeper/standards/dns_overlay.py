"""The DNS as it would be if some records were published: "what if?", asked before anything goes live."""

from __future__ import annotations

from dataclasses import replace

from listkeeper.standards.dns import NoData, NxDomain, Outcome, Resolver, StaticResolver, Zone

_LONGEST_CHAIN = 8


class OverlayResolver:
    """Answers from supposed records first, and from what is published where nothing is supposed.

    ``zone`` is as for ``StaticResolver``: name → type → records. What is
    supposed takes the place of all records of its type at its name; an empty
    list supposes that there are none. A name with supposed records exists, and
    so do those above it. An alias that is published leads to what is published.
    ``ttl`` is that of the supposed records, in seconds.
    """

    def __init__(self, zone: Zone, resolver: Resolver, *, ttl: int = 3600) -> None:
        self._kinds = {_key(name): {kind.upper() for kind in at} for name, at in zone.items()}
        self._aliases = {_key(name): at["CNAME"][0] for name, at in zone.items() if at.get("CNAME")}
        self._supposed = StaticResolver(zone, ttl=ttl)
        self._resolver = resolver

    def query(self, name: str, kind: str, /) -> Outcome:
        """Return the supposed records of one type at one name, else what is published. Never raises."""
        kind, owner = kind.upper(), name
        for _ in range(_LONGEST_CHAIN):
            alias = self._aliases.get(_key(owner))
            if kind in self._kinds.get(_key(owner), ()) or alias is None or kind == "CNAME":
                return self._known(name, owner, kind)
            owner = alias
        # The static resolver says in words that the aliases lead round in a circle.
        return self._supposed.query(name, kind)

    def _known(self, name: str, owner: str, kind: str) -> Outcome:
        if kind in self._kinds.get(_key(owner), ()):
            return _named(name, self._supposed.query(owner, kind))
        published = self._resolver.query(owner, kind)
        if isinstance(published, NxDomain) and not isinstance(self._supposed.query(owner, kind), NxDomain):
            return NoData(name, kind, published.server, published.ttl)
        return _named(name, published)


def _named(name: str, outcome: Outcome) -> Outcome:
    """Return an outcome under the name that was asked for, as a resolver does that followed an alias."""
    return outcome if outcome.name == name else replace(outcome, name=name)


def _key(name: str) -> str:
    return name.removesuffix(".").lower()
