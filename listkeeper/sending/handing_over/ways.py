"""The ways to send that this process holds open, and what becomes of the mail when one of them is away.

A way that cannot be reached, or that closes, cools down, for longer each time;
meanwhile its mail goes by the others. Mail that is in doubt comes here no more:
it is in no queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language, log
from listkeeper.sending.delivery import Delivery
from listkeeper.sending.handing_over import way_choice
from listkeeper.sending.handing_over.transport import Transport, TransportUnavailable
from listkeeper.sending.handing_over.way import Way

_FIRST_COOLING = 30.0
_LONGEST_COOLING = 600.0
_log = log.get(__name__)


@dataclass(frozen=True)
class Waiting:
    """What the choice of a way depends on. ``wide``: the address can be said only with SMTPUTF8 (RFC 6531)."""

    delivery_id: int
    occasion: str
    from_domain: str
    tries: int = 0
    wide: bool = False


@dataclass(frozen=True)
class Group:
    """What goes by one way now, and the open line it goes by."""

    way: Way
    line: Transport
    ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """A window, parted by way; ``stranded`` has none that is open, and ``words`` says why, naming each."""

    groups: list[Group]
    stranded: list[int]
    words: str = ""


@dataclass(frozen=True)
class _Cooling:
    until: float
    seconds: float
    words: str


def waiting(session: Session, ids: Sequence[int]) -> list[Waiting]:
    """Return what the choice of a way needs to know of deliveries; no address leaves this function."""
    query = (
        select(
            Delivery.id,
            Delivery.occasion,
            Delivery.attempts,
            Organisation.from_address,
            Subscriber.email_send,
            Delivery.typed_address,
        )
        .join(Organisation, Organisation.id == Delivery.organisation_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.id)
    )
    return [
        Waiting(number, occasion, sender.rpartition("@")[2], tries, not (hers or typed or "").isascii())
        for number, occasion, tries, sender, hers, typed in session.execute(query)
    ]


class Ways:
    """The ways of one process; one line is kept open on each. ``now`` is a clock that never goes back."""

    def __init__(
        self, ways: Sequence[Way], open_way: Callable[[Way], Transport], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._ways = tuple(ways)
        self._open_way = open_way
        self._now = now
        self._lines: dict[str, Transport] = {}
        self._cooling: dict[str, _Cooling] = {}

    def __iter__(self) -> Iterator[Way]:
        return iter(self._ways)

    @property
    def only(self) -> Way | None:
        """The way, where there is one for all mail: then nothing has to be known of a mail to choose it."""
        return self._ways[0] if len(self._ways) == 1 and not self._ways[0].domains else None

    def assign(self, mails: Sequence[Waiting]) -> dict[Way, list[int]]:
        """Return which way each mail would take now, ways that cool aside; nothing is opened."""
        assigned: dict[Way, list[int]] = {}
        for mail in mails:
            way = next((way for way in self._preferred(mail) if not self._is_cooling(way)), None)
            if way is not None:
                assigned.setdefault(way, []).append(mail.delivery_id)
        return assigned

    def plan(self, mails: Sequence[Waiting]) -> Plan:
        """Part a window by way, each with a line that is open."""
        asked: dict[str, Transport | None] = {}
        groups: dict[str, Group] = {}
        stranded: list[Waiting] = []
        for mail in mails:
            found = self._line_for(mail, asked)
            if found is None:
                stranded.append(mail)
            else:
                way, line = found
                groups.setdefault(way.name, Group(way, line)).ids.append(mail.delivery_id)
        return Plan(list(groups.values()), [mail.delivery_id for mail in stranded], self._why(stranded))

    def connected(self, way: Way) -> Transport:
        """Return the open line of a way. Raises TransportUnavailable, and the way cools down."""
        try:
            if way.name not in self._lines:
                self._lines[way.name] = self._open_way(way)
            self._lines[way.name].connect()
        except TransportUnavailable as problem:
            self.cool(way, str(problem))
            raise
        return self._lines[way.name]

    def cool(self, way: Way, words: str) -> None:
        """Leave a way alone for a while, longer each time; ``words`` say why, for people."""
        before = self._cooling.get(way.name)
        seconds = min(before.seconds * 2, _LONGEST_COOLING) if before else _FIRST_COOLING
        self._cooling[way.name] = _Cooling(self._now() + seconds, seconds, words)
        _log.warning("way.closed", way=way.name, seconds=seconds)
        if (line := self._lines.pop(way.name, None)) is not None:
            line.close()

    def worked(self, way: Way) -> bool:
        """Trust a way again, since it answered about a message; return whether it had been in trouble."""
        return self._cooling.pop(way.name, None) is not None

    def trouble(self, way: Way) -> str:
        """Return in words why a way was left alone, empty when nothing is known against it."""
        known = self._cooling.get(way.name)
        return known.words if known else ""

    def all_closed(self) -> str:
        """Return why nothing can leave, naming each way; empty while one of them may be tried."""
        if not all(map(self._is_cooling, self._ways)):
            return ""
        return self._named(self._ways)

    def close(self) -> None:
        """Hang up everywhere, politely. What is known of each way stays known."""
        while self._lines:
            self._lines.popitem()[1].close()

    def _preferred(self, mail: Waiting) -> list[Way]:
        if self.only is not None:
            return [self.only]
        return way_choice.in_order(way_choice.fitting(self._ways, mail.from_domain), mail.occasion, mail.tries)

    def _is_cooling(self, way: Way) -> bool:
        known = self._cooling.get(way.name)
        return known is not None and known.until > self._now()

    def _line_for(self, mail: Waiting, asked: dict[str, Transport | None]) -> tuple[Way, Transport] | None:
        """Return the first way that is open; for an address beyond ASCII the first that carries it, if one does."""
        narrow: tuple[Way, Transport] | None = None
        for way in self._worth_asking(mail, asked):
            line = self._asked(way, asked)
            if line is None:
                continue
            if not mail.wide or line.carries_smtputf8:
                return way, line
            narrow = narrow or (way, line)
        return narrow

    def _worth_asking(self, mail: Waiting, asked: dict[str, Transport | None]) -> Iterator[Way]:
        """Yield the ways that do not cool; when none of them is open, the one that has cooled for longest."""
        preferred = self._preferred(mail)
        warm = [way for way in preferred if asked.get(way.name) or not self._is_cooling(way)]
        yield from warm
        if any(asked.get(way.name) for way in preferred):
            return
        cool = (way for way in preferred if way not in warm and way.name not in asked)
        yield from sorted(cool, key=lambda way: self._cooling[way.name].until)[:1]

    def _asked(self, way: Way, asked: dict[str, Transport | None]) -> Transport | None:
        if way.name not in asked:
            try:
                asked[way.name] = self.connected(way)
            except TransportUnavailable:
                asked[way.name] = None
        return asked[way.name]

    def _why(self, stranded: Sequence[Waiting]) -> str:
        """Return why mail cannot leave, naming each way that could have carried it."""
        if not stranded:
            return ""
        domains = sorted({mail.from_domain for mail in stranded})
        fitting = {domain: way_choice.fitting(self._ways, domain) for domain in domains}
        homeless = [
            language.text("No way is set for mail from %(domain)s.", domain=domain)
            for domain in domains
            if not fitting[domain]
        ]
        concerned = [way for way in self._ways if any(way in found for found in fitting.values())]
        return " ".join(filter(None, (*homeless, self._named(concerned))))

    def _named(self, ways: Sequence[Way]) -> str:
        if len(self._ways) == 1:
            return " ".join(map(self.trouble, ways))
        return " ".join(f"{way.name}: {self.trouble(way)}" for way in ways)
