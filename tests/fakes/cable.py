"""A cable between a program and a server, which a test can cut, stall and heal: TCP on loopback, bytes as they come.

``cut``: every connection breaks and no new one is taken. ``stall``: connections stay and are taken, and nothing goes
through, either way, as with a machine that dropped off the network without a word. ``heal`` lets everything through
again, what was held back first. ``stall_at`` stalls by itself at certain bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_PIECE = 65_536


@dataclass
class Cable:
    """One cable as a test holds it."""

    port: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    # Whether bytes go through to the server, and back.
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _down: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    is_cut: bool = False
    _triggers: list[bytes] = field(default_factory=list)
    _lets_last_through: bool = False

    def cut(self) -> None:
        """Break all connections and take no more."""
        self._loop.call_soon_threadsafe(self._cut)

    def stall(self) -> None:
        """Let nothing through from now on."""
        self._loop.call_soon_threadsafe(self._stall)

    def stall_at(self, *triggers: bytes, lets_last_through: bool = False) -> None:
        """Stall at the last of these, which have to go to the server in this order; ``stalled`` tells.

        ``lets_last_through``: it still gets there, and the server's answer does not come back.
        """
        self._loop.call_soon_threadsafe(self._stall_at, triggers, lets_last_through)

    def heal(self) -> None:
        """Let everything through, and take connections."""
        self._loop.call_soon_threadsafe(self._heal)

    def _cut(self) -> None:
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def _stall(self) -> None:
        self._up.clear()
        self._down.clear()
        self.stalled.set()

    def _stall_at(self, triggers: tuple[bytes, ...], lets_last_through: bool) -> None:
        self._triggers, self._lets_last_through = list(triggers), lets_last_through

    def _heal(self) -> None:
        self.is_cut = False
        self._triggers.clear()
        self._up.set()
        self._down.set()
        self.stalled.clear()

    async def serve(self, target: tuple[str, int] | str) -> asyncio.Server:
        """Listen, and lead whoever comes to ``target``: host and port, or the path of a socket file."""
        self._heal()

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.is_cut:
                writer.transport.abort()
                return
            if isinstance(target, str):
                opened = asyncio.open_unix_connection(target)
            else:
                opened = asyncio.open_connection(*target)
            try:
                far_reader, far_writer = await opened
            except OSError:
                writer.transport.abort()
                return
            ends = {writer, far_writer}
            self._writers |= ends
            ways = (self._carry(reader, far_writer, up=True), self._carry(far_reader, writer, up=False))
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers -= ends
            for end in ends:
                end.transport.abort()

        server = await asyncio.start_server(met, "127.0.0.1", 0, backlog=64)
        self.port = int(server.sockets[0].getsockname()[1])
        return server

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        flows = self._up if up else self._down
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(_PIECE):
                if up and self._watch(piece):
                    writer.write(piece)
                    self._stall()
                    continue
                await flows.wait()
                writer.write(piece)
                await writer.drain()
        # The end of one way is told to the other side, once all that was held back has gone.
        await flows.wait()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    def _watch(self, piece: bytes) -> bool:
        """Stall before these bytes, or return that they are to be the last that get through."""
        waiting, at = bool(self._triggers), 0
        while self._triggers and (at := piece.find(self._triggers[0], at)) >= 0:
            at += len(self._triggers.pop(0))
        if waiting and not self._triggers:
            if self._lets_last_through:
                return True
            self._stall()
        return False

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what the work returns
        """Do some work in the thread of this cable."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def live(self) -> None:
        """Run the loop in this thread, until it is stopped."""
        self._loop.run_forever()

    def end(self, server: asyncio.Server) -> None:
        """Hang up on everybody and stop the loop."""

        async def wind_down() -> None:
            server.close()
            self._heal()
            self._cut()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            # They end by themselves now: each waits for something that has come.
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0)), *others], timeout=5)

        self.run(wind_down())
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def laid(target: tuple[str, int] | str) -> Iterator[Cable]:
    """Lay a cable to a server: a host and port, or the path of a socket file."""
    cable = Cable()
    thread = threading.Thread(target=cable.live, name="cable", daemon=True)
    thread.start()
    server = cable.run(cable.serve(target))
    try:
        yield cable
    finally:
        cable.end(server)
        thread.join(10)
        cable._loop.close()  # noqa: SLF001 - made here
