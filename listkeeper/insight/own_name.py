"""Who sends under our name: receivers' reports laid beside our own send log, by address and day.

A source is an address that mail under the domain came from. It is ours when it
is one of our addresses and something of ours left on those days; allowed when
somebody else's mail passed; a forwarder when it passes our own signed mail on;
and somebody else otherwise. Reports come from strangers and prove nothing: a
figure here is what receivers say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.deliverability import dmarc_report
from listkeeper.deliverability.dkim_key import DkimKey
from listkeeper.deliverability.dmarc_report import Seen
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock
from listkeeper.insight import brought
from listkeeper.sending import left_by_day
from listkeeper.sending.left_by_day import LeftByDay
from listkeeper.standards import dmarc_row

MONTH, WEEK = 30, 7
# What left late in the evening reaches a receiver on the next day, and relays may keep it for some hours.
_ON_THE_WAY = timedelta(days=1)


class Who(StrEnum):
    """Whose mail a source sends. The order is that of the page."""

    OURS = "ours"
    OTHER = "other"
    ALLOWED = "allowed"
    FORWARDER = "forwarder"


@dataclass
class Source:
    """One address and what came from it; ``without_dkim`` and ``without_spf`` count what neither passed nor aligned."""

    address: str
    who: Who
    # Whether it is one of the addresses that our mail leaves from.
    own_address: bool
    count: int = 0
    failing: int = 0
    without_dkim: int = 0
    without_spf: int = 0
    # By which ways our mail left on the days of what failed, the one that carried most first.
    ways: tuple[str, ...] = ()


@dataclass
class Day:
    """One day (UTC): what receivers saw pass and fail, and how many mails of ours left."""

    day: date
    aligned: int = 0
    failing: int = 0
    left: int = 0


@dataclass
class OwnName:
    """What receivers said of mail under a domain within some days; sources worst first within their kind."""

    domain: str
    since: date
    until: date
    knows_addresses: bool
    receivers: set[str] = field(default_factory=set)
    sources: list[Source] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """How many messages receivers counted."""
        return sum(source.count for source in self.sources)

    @property
    def failing(self) -> int:
        """How many of them did not pass."""
        return sum(source.failing for source in self.sources)

    @property
    def others(self) -> list[Source]:
        """The sources that are neither ours, nor allowed, nor pass our mail on."""
        return self.of(Who.OTHER)

    def of(self, who: Who) -> list[Source]:
        """Return the sources of one kind."""
        return [source for source in self.sources if source.who is who]

    def share(self, number: int) -> int | None:
        """Return so many of the messages in thousandths; None while there are none."""
        return brought.per_mille(number, self.messages)

    @property
    def fix_first(self) -> Source | None:
        """The source to look at first: our own that fails most, else the largest of the others; None when all is well.

        A forwarder that breaks signatures is nobody's to mend.
        """
        for who in (Who.OURS, Who.OTHER):
            worst = max(self.of(who), key=lambda source: source.failing, default=None)
            if worst is not None and worst.failing:
                return worst
        return None


@dataclass(frozen=True)
class Gathered:
    """What receivers reported of the days from one to another, and what we know ourselves: asked for once."""

    domain: str
    since: date
    until: date
    knows_addresses: bool
    seen: Sequence[Seen]
    known: _Known

    def of(self, days: int) -> OwnName:
        """Return who sent in the last ``days`` of these days."""
        since = max(self.since, self.until - timedelta(days=days - 1))
        seen = [one for one in self.seen if one.day >= since]
        return OwnName(
            domain=self.domain,
            since=since,
            until=self.until,
            knows_addresses=self.knows_addresses,
            receivers={one.sender for one in seen},
            sources=_sources(seen, self.known),
            days=_days(seen, self.known.left, since, self.until),
        )


def look(
    session: Session, organisation_id: int, domain: str, *, egress: Sequence[str] = (), days: int = MONTH
) -> OwnName:
    """Return who sent under a domain, or a name below it, in the last ``days`` days (UTC), today included.

    ``egress``: the addresses that receivers see our mail come from.
    """
    return gather(session, organisation_id, domain, egress=egress, days=days).of(days)


def gather(
    session: Session, organisation_id: int, domain: str, *, egress: Sequence[str] = (), days: int = MONTH
) -> Gathered:
    """Return what ``look`` rests on, for whoever looks at more than one span of it."""
    until = clock.now().astimezone(UTC).date()
    since = until - timedelta(days=days - 1)
    seen = dmarc_report.seen(session, organisation_id, domain, since, until)
    # A report may be about more than one day, and some of its mail left before.
    first = min([since, *(one.begin.astimezone(UTC).date() for one in seen)]) - _ON_THE_WAY
    left = left_by_day.of(session, organisation_id, domain, first, until)
    known = _Known(_plain(egress), left, _selectors(session, organisation_id))
    return Gathered(domain, since, until, bool(egress), seen, known)


def _plain(egress: Iterable[str]) -> frozenset[str]:
    return frozenset(str(dmarc_row.address_of(address) or address) for address in egress)


def _selectors(session: Session, organisation_id: int) -> frozenset[str]:
    query = (
        select(DkimKey.selector)
        .join(SendingDomain, SendingDomain.id == DkimKey.sending_domain_id)
        .where(SendingDomain.organisation_id == organisation_id)
    )
    return frozenset(selector.lower() for selector in session.scalars(query))


@dataclass(frozen=True)
class _Known:
    """What we know ourselves: our addresses, what left when by which way, and the names of our keys."""

    addresses: Collection[str]
    left: LeftByDay
    selectors: Collection[str]

    def ways(self, seen: Seen) -> dict[str, int]:
        """Return by which ways mail of ours left within the time of a report, or just before."""
        first, last = (seen.begin - _ON_THE_WAY).astimezone(UTC).date(), seen.end.astimezone(UTC).date()
        found: dict[str, int] = {}
        for day, ways in self.left.items():
            if first <= day <= last:
                for way, number in ways.items():
                    found[way] = found.get(way, 0) + number
        return found

    def who(self, seen: Seen) -> Who:
        """Return whose mail it is."""
        own = seen.source_ip in self.addresses
        if own and self.ways(seen):
            return Who.OURS
        if seen.dkim and not seen.spf and not own:
            # A signature of ours that comes from elsewhere was passed on; one of another key is a service that may
            # sign in our name. A receiver that does not say by which key leaves the first, which is what happens most.
            return Who.FORWARDER if not seen.signed_by or seen.signed_by in self.selectors else Who.ALLOWED
        if seen.aligned:
            return Who.ALLOWED
        return Who.FORWARDER if seen.forwarded else Who.OTHER


def _sources(seen: Iterable[Seen], known: _Known) -> list[Source]:
    found: dict[tuple[str, Who], Source] = {}
    ways: dict[tuple[str, Who], dict[str, int]] = {}
    for one in seen:
        who = known.who(one)
        place = (one.source_ip, who)
        source = found.setdefault(place, Source(one.source_ip, who, one.source_ip in known.addresses))
        source.count += one.count
        source.without_dkim += 0 if one.dkim else one.count
        source.without_spf += 0 if one.spf else one.count
        if one.aligned:
            continue
        source.failing += one.count
        if who is Who.OURS:
            carried = ways.setdefault(place, {})
            for way, number in known.ways(one).items():
                carried[way] = max(carried.get(way, 0), number)
    for place, carried in ways.items():
        found[place].ways = tuple(sorted(carried, key=lambda way: (-carried[way], way)))
    order = list(Who)
    return sorted(found.values(), key=lambda one: (order.index(one.who), -one.failing, -one.count, one.address))


def _days(seen: Iterable[Seen], left: LeftByDay, since: date, until: date) -> list[Day]:
    days = (until - since).days + 1
    found = {since + timedelta(days=place): Day(since + timedelta(days=place)) for place in range(days)}
    for one in seen:
        if one.aligned:
            found[one.day].aligned += one.count
        else:
            found[one.day].failing += one.count
    for day, ways in left.items():
        if day in found:
            found[day].left = sum(ways.values())
    return list(found.values())
