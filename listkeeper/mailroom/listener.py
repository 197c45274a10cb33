"""The server that mail comes in by: SMTP from the open internet, LMTP from a mail server of one's own.

What is said is in ``dialogue``, whom it is for in ``door``. A mail is answered
with 250 only once the transaction that keeps it is on the disk: whoever is cut
off before sends it once more, and the same bytes are kept once. The mails of
several connections share a transaction (``intake``). How many connections there
are, how many of one network, how long each may be silent or take as a whole,
and how many octets all of them hold, is bounded.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import Path

from listkeeper.feedback.inbound import Way
from listkeeper.foundation import log
from listkeeper.foundation.errors import Conflict, Forbidden, Invalid, TryAgain
from listkeeper.mailroom import door, intake
from listkeeper.mailroom.allowance import Allowance
from listkeeper.mailroom.brought import Brought
from listkeeper.mailroom.dialogue import Dialogue, House, Kept, Room
from listkeeper.mailroom.door import Context, Doorman

_KEEPERS = 32
_DRAIN_SECONDS = 10.0
_LOOK_AROUND_SECONDS = 5.0
_log = log.get(__name__)


@dataclass(frozen=True)
class Limits:
    """How much a stranger may ask of us."""

    connections: int = 200
    of_one_network: int = 20
    # RFC 5321, 4.5.3.2: five minutes for a command.
    idle_seconds: float = 300.0
    total_seconds: float = 1800.0
    octets: int = 256 * 1024 * 1024


@dataclass(frozen=True)
class Places:
    """Where it listens, ``HOST:PORT`` each or nowhere, and where the ports are announced that it got."""

    smtp: str | None
    lmtp: str | None
    announcement: Path


@dataclass
class Listener:
    """All connections of this process, and those who keep what comes over them."""

    name: str
    doorman: Doorman
    context: Context
    limits: Limits = field(default_factory=Limits)
    allowance: Allowance = field(default_factory=Allowance)
    lines: set[Line] = field(default_factory=set)
    networks: Counter[str] = field(default_factory=Counter)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: bool = False

    def __post_init__(self) -> None:
        """Make the room that all connections share, and the threads that keep their mails."""
        self.room = Room(self.limits.octets)
        self.keepers = ThreadPoolExecutor(_KEEPERS, thread_name_prefix="keeps")

    async def serve(self, places: Places, stopping: asyncio.Event) -> None:
        """Take mail until ``stopping``. Raises Conflict, Forbidden or Invalid when it cannot listen there."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.keepers, self.doorman.look)
        ports: dict[str, int] = {}
        servers = []
        for way, place in ((Way.SMTP, places.smtp), (Way.LMTP, places.lmtp)):
            if place:
                servers.append(await self._listen(way, place))
                ports[way.value] = int(servers[-1].sockets[0].getsockname()[1])
        with _announced(places.announcement, ports):
            _log.info("listener.started", **ports)
            watching = loop.create_task(self._look_around())
            await stopping.wait()
            watching.cancel()
            await self._stop(servers)
        _log.info("listener.stopped")

    async def _listen(self, way: Way, place: str) -> asyncio.Server:
        host, _, port = place.rpartition(":")
        house = House(self.name, way, self.doorman.asked, self.room)
        try:
            return await asyncio.get_running_loop().create_server(
                lambda: Line(self, house), host.strip("[]"), int(port), backlog=256
            )
        except (OSError, OverflowError) as problem:
            raise _told(problem, way, place) from None

    async def _stop(self, servers: list[asyncio.Server]) -> None:
        """Take nobody new, let those wait no longer who bring nothing, and finish what is being kept."""
        self.stopping = True
        for server in servers:
            server.close()
        for line in list(self.lines):
            line.part_with("421 4.3.2 This server is being stopped; try again later")
        if self.under_way:
            await asyncio.wait(set(self.under_way), timeout=_DRAIN_SECONDS)
        # One turn of the loop, so that the answer to a mail just kept still reaches its sender.
        await asyncio.sleep(0.05)
        for line in list(self.lines):
            line.cut()
        self.keepers.shutdown(wait=False, cancel_futures=True)

    async def _look_around(self) -> None:
        """Part with whoever is silent or takes too long, and look again whose door it is."""
        loop = asyncio.get_running_loop()
        looking: asyncio.Future[None] | None = None
        while True:
            await asyncio.sleep(min(_LOOK_AROUND_SECONDS, self.limits.idle_seconds / 4))
            for line in list(self.lines):
                line.look_at(loop.time())
            # Not waited for: a database that hangs must not keep the silent here as well.
            if looking is None or looking.done():
                looking = loop.run_in_executor(self.keepers, self.doorman.look)

    def admit(self, line: Line) -> bool:
        """Return whether one more connection is taken; LMTP comes from one server alone."""
        fits = line.house.is_lmtp or self.networks[line.network] < self.limits.of_one_network
        if self.stopping or len(self.lines) >= self.limits.connections or not fits:
            return False
        self.lines.add(line)
        self.networks[line.network] += not line.house.is_lmtp
        return True

    def dismiss(self, line: Line) -> None:
        """Forget a connection that has ended."""
        if line in self.lines:
            self.lines.discard(line)
            self.networks[line.network] -= not line.house.is_lmtp
            if not self.networks[line.network]:
                del self.networks[line.network]

    async def keep(self, mail: Brought, network: str) -> Kept:
        """Keep a mail, in a thread."""
        if mail.way is Way.SMTP and not door.is_proven(mail.recipients):
            now = asyncio.get_running_loop().time()
            if not self.allowance.allows(network, len(mail.content), now):
                _log.warning("mail.postponed", way=mail.way.value, reason="too much that proves nothing")
                return Kept.LATER
        return await asyncio.get_running_loop().run_in_executor(self.keepers, self._kept, mail)

    def _kept(self, mail: Brought) -> Kept:
        owner = self.doorman.owner
        if owner is None:
            return Kept.LATER
        try:
            with self.context():
                intake.keep(owner.organisation_id, mail)
        except TryAgain:
            _log.warning("mail.postponed", way=mail.way.value, reason="database")
            return Kept.LATER
        except Exception:  # noqa: BLE001 - whatever it is, the mail is not kept, and its sender tries again
            _log.exception("mail.postponed", way=mail.way.value, reason="fault")
            return Kept.LATER
        return Kept.KEPT


class Line(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, listener: Listener, house: House) -> None:
        self.listener = listener
        self.house = house
        self.network = ""
        self.dialogue = Dialogue(house)
        self._loop = asyncio.get_running_loop()
        self._begun = self._heard_at = self._loop.time()
        self._parted_at: float | None = None
        self._keeping = False
        self._choked = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or say that there are too many."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self.transport = transport
        self.network = network_of(transport.get_extra_info("peername"))
        if self.listener.admit(self):
            transport.write(self.dialogue.greeting())
        else:
            _log.info("connection.refused", way=self.house.way.value, reason="too many")
            self.part_with("421 4.3.2 Too many connections; try again later")

    def data_received(self, data: bytes) -> None:
        """Hear, and answer."""
        self._heard_at = self._loop.time()
        self._turn(lambda: self.dialogue.hear(data))

    def _turn(self, act: Callable[[], bytes]) -> None:
        try:
            answered = act()
        except Exception:  # noqa: BLE001 - a stranger's bytes must not stop the others, nor be told what they broke
            _log.exception("connection.broken", way=self.house.way.value)
            self.dialogue.close()
            answered = b"421 4.3.0 Something is wrong here; try again later\r\n"
        if answered:
            self.transport.write(answered)
        if self.dialogue.mail is not None:
            self._keeping = True
            self._breathe()
            task = self._loop.create_task(self._keep(self.dialogue.mail))
            self.listener.under_way.add(task)
            task.add_done_callback(self.listener.under_way.discard)
        elif self.dialogue.over or self._ended or (self.listener.stopping and not self._keeping):
            self._hang_up()

    async def _keep(self, mail: Brought) -> None:
        kept = await self.listener.keep(mail, self.network)
        self._keeping = False
        self._heard_at = self._loop.time()
        if self.transport.is_closing():
            self.dialogue.close()
            return
        self._turn(lambda: self.dialogue.answer(kept))
        self._breathe()

    def _breathe(self) -> None:
        """Hear no more while a mail is being kept, or while the other side does not read what we say."""
        if self.transport.is_closing():
            return
        if self._keeping or self._choked:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """Wait for whoever does not read."""
        self._choked = True
        self._breathe()

    def resume_writing(self) -> None:
        """Go on."""
        self._choked = False
        self._breathe()

    def eof_received(self) -> bool:
        """Whoever has said all still hears what became of it."""
        self._ended = True
        return self._keeping

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        del exc
        if not self._keeping:
            self.dialogue.close()
        self.listener.dismiss(self)

    def look_at(self, now: float) -> None:
        """Part with it when its time is up; cut it when it does not even read that."""
        limits = self.listener.limits
        if self._parted_at is not None:
            if now - self._parted_at > limits.idle_seconds / 4:
                self.cut()
        elif not self._keeping and (
            now - self._heard_at > limits.idle_seconds or now - self._begun > limits.total_seconds
        ):
            self.part_with("421 4.4.2 This takes too long")

    def part_with(self, words: str) -> None:
        """Say goodbye, unless a mail is just being kept."""
        if self._keeping or self._parted_at is not None:
            return
        self.dialogue.close()
        self.transport.write(f"{words}\r\n".encode())
        self._hang_up()

    def _hang_up(self) -> None:
        self._parted_at = self._parted_at or self._loop.time()
        self.transport.close()

    def cut(self) -> None:
        """End it at once."""
        self.transport.abort()


def network_of(peer: object) -> str:
    """Return the network of whoever calls: the IPv4 address, or the /64 of the IPv6 address."""
    host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))


def _told(problem: Exception, way: Way, place: str) -> Conflict | Forbidden | Invalid:
    number = problem.errno if isinstance(problem, OSError) else None
    if number == errno.EADDRINUSE:
        return Conflict("port_in_use", f"Another program already listens on {place}. Stop it, or choose another port.")
    if number == errno.EACCES:
        return Forbidden(
            "port_forbidden",
            f"This user may not listen on {place}. A port below 1024 needs CAP_NET_BIND_SERVICE: see README.",
        )
    return Invalid("settings", f"LISTKEEPER_{way.name}_LISTEN: {place} is not an address of this machine.")


@contextmanager
def _announced(place: Path, ports: dict[str, int]) -> Iterator[None]:
    """Tell where it listens for as long as it does."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"pid": os.getpid(), **ports}))
    draft.replace(place)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
