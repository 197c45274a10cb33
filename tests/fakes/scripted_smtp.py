"""A mail server on loopback that keeps to the protocol except where a test scripted a fault.

Messages are known by the number in their return path (``b+3@``), so that a fault can stand at one step of one message,
wherever a client that announces ahead has come by then. What was taken is counted as a mail server would: a content
whose end arrived, and that was not refused.
"""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fakes import raw_server
from tests.fakes.raw_server import Caller

_NUMBER = re.compile(rb"b\+(\d+)@")
_PIECE = {"whole": 65_536, "odd": 7, "bytes": 1}


@dataclass(frozen=True)
class Fault:
    """What happens at one step: what is said, and whether the line is closed (``close``), reset or kept after it."""

    says: bytes = b""
    then: str = "goes on"
    # Of a content: whether it was taken all the same; by default, if it was not refused.
    taken: bool | None = None
    # Seconds between two octets of what is said.
    drip: float = 0


# The steps: BANNER and EHLO by the number of the connection; MAIL, RCPT, DATA, BODY (within the content, before its
# end), CONTENT (after its end), NEXT (after the answer) and NOBODY (a content for nobody) by the number of the message.
Script = Mapping[tuple[str, int], Fault]


class _HungUp(Exception):
    """The server is done with this caller."""


@dataclass
class ScriptedServer:
    """The server as a test sees it."""

    script: Script = field(default_factory=dict)
    abilities: Sequence[str] = ("PIPELINING", "8BITMIME")
    # How replies reach the client: those that are ready together, in pieces of seven octets, or octet by octet.
    replies: str = "whole"
    # Whether DATA is answered with 354 although every recipient was refused.
    asks_for_nobody: bool = False
    taken: list[tuple[int, bytes]] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def serve(self, caller: Caller) -> None:
        """Talk with one client until either has enough."""
        self.connections += 1
        _Talk(self, caller.line, self.connections - 1).run()

    @property
    def numbers(self) -> list[int]:
        """The numbers of the messages that were taken."""
        return [number for number, _content in self.taken]


class _Talk:
    def __init__(self, server: ScriptedServer, line: socket.socket, connection: int) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._server, self._line, self._connection = server, line, connection
        self._rest = self._ready = b""
        self._number = -1
        self._sender = self._recipient = False

    def run(self) -> None:
        try:
            self._answer("BANNER", self._connection, b"220 scripted.example\r\n")
            while True:
                self._obey(self._until(b"\r\n"))
        except (_HungUp, ConnectionError):
            pass

    def _obey(self, command: bytes) -> None:
        self._server.said.append(command)
        verb = command[:4].upper()
        if verb in {b"EHLO", b"HELO"}:
            offered = [b"scripted.example", *(ability.encode() for ability in self._server.abilities)]
            marks = [b"-"] * (len(offered) - 1) + [b" "]
            lines = (b"250%b%b\r\n" % pair for pair in zip(marks, offered, strict=True))
            self._answer("EHLO", self._connection, b"".join(lines))
        elif verb == b"MAIL":
            found = _NUMBER.search(command)
            assert found is not None
            self._number = int(found[1])
            self._sender = self._answer("MAIL", self._number, b"250 2.1.0 sender\r\n")
        elif verb == b"RCPT":
            # A server that has no sender, or no recipient, says so; a script is about those that have.
            ready = b"250 2.1.5 recipient\r\n" if self._sender else b"503 5.5.1 nobody writes\r\n"
            self._recipient = self._answer("RCPT", self._number, ready, scripted=self._sender) and self._sender
        elif verb in {b"DATA", b"BDAT"}:
            self._content(command)
        else:
            self._sender = self._recipient = False
            self._say(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n")
            if verb == b"QUIT":
                self._end("close")

    def _content(self, command: bytes) -> None:
        scripted, number = self._recipient, self._number
        if command.upper() == b"DATA":
            refused = not self._answer("DATA", number, self._to_data(), scripted=scripted)
            if refused:
                return
            body = self._server.script.get(("BODY", number)) if scripted else None
            if body is not None:
                self._read(1)
                self._do(body)
            content = (b"\r\n" + self._until(b"\r\n.\r\n", after=b"\r\n")).replace(b"\r\n..", b"\r\n.")[2:]
        else:
            content = self._exactly(int(command.split()[1]))
        self._sender = self._recipient = False
        if not scripted:
            self._answer("NOBODY", number, b"554 5.5.1 for nobody\r\n")
            return
        fault = self._server.script.get(("CONTENT", number), Fault(b"250 2.0.0 kept\r\n"))
        if fault.taken if fault.taken is not None else fault.says[:1] not in {b"4", b"5"}:
            self._server.taken.append((number, content))
        self._do(fault)
        self._do(self._server.script.get(("NEXT", number), Fault()))

    def _to_data(self) -> bytes:
        if self._recipient or (self._sender and self._server.asks_for_nobody):
            return b"354 go\r\n"
        return b"503 5.5.1 for whom\r\n"

    def _answer(self, step: str, number: int, usual: bytes, *, scripted: bool = True) -> bool:
        """Say what is usual, or what the script wants; return whether that was a yes."""
        fault = self._server.script.get((step, number)) if scripted else None
        self._do(fault or Fault(usual))
        return (fault.says if fault else usual)[:1] in {b"2", b"3"}

    def _do(self, fault: Fault) -> None:
        for octet in fault.says if fault.drip else b"":
            self._flush()
            time.sleep(fault.drip)
            self._line.sendall(bytes([octet]))
        if not fault.drip:
            self._say(fault.says)
        if fault.then != "goes on":
            self._end(fault.then)

    def _say(self, words: bytes) -> None:
        self._ready += words

    def _flush(self) -> None:
        piece = _PIECE[self._server.replies]
        ready, self._ready = self._ready, b""
        for at in range(0, len(ready), piece):
            self._line.sendall(ready[at : at + piece])

    def _end(self, how: str) -> None:
        self._flush()
        if how == "reset":
            self._line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._line.close()
        raise _HungUp

    def _read(self, count: int) -> None:
        self._flush()
        more = self._line.recv(65_536)
        if not more and count:
            self._end("close")
        self._rest += more

    def _until(self, end: bytes, after: bytes = b"") -> bytes:
        """Return what comes up to ``end``, which may begin with ``after``, said before."""
        while end not in after + self._rest:
            self._read(1)
        found, self._rest = (after + self._rest).split(end, 1)
        return found[len(after) :] + end[: len(after)]

    def _exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._read(1)
        found, self._rest = self._rest[:count], self._rest[count:]
        return found


@contextmanager
def running(
    script: Script | None = None, *abilities: str, replies: str = "whole", asks_for_nobody: bool = False
) -> Iterator[ScriptedServer]:
    """Run a server that keeps to the script; without abilities it offers PIPELINING."""
    offered = abilities or ("PIPELINING", "8BITMIME")
    server = ScriptedServer(script or {}, offered, replies, asks_for_nobody=asks_for_nobody)
    with raw_server.running(server.serve) as raw:
        server.port = raw.port
        yield server
