"""A server on loopback that says exactly what a test wrote: for replies no honest mail server gives."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Greets, and answers EHLO with this list of abilities.
HELLO = b"220 raw.example ready\r\n"


@dataclass
class Caller:
    """One connection, seen from the server."""

    line: socket.socket
    heard: list[bytes] = field(default_factory=list)
    _rest: bytes = b""

    def say(self, words: bytes) -> None:
        """Send bytes as they are."""
        self.line.sendall(words)

    def hear(self) -> bytes:
        """Return the next line without its end; empty when the caller has hung up."""
        while b"\r\n" not in self._rest:
            more = self.line.recv(65_536)
            if not more:
                return b""
            self._rest += more
        said, self._rest = self._rest.split(b"\r\n", 1)
        self.heard.append(said)
        return said

    def take(self, count: int) -> None:
        """Read at least so many bytes of whatever comes."""
        while len(self._rest) < count:
            more = self.line.recv(min(65_536, count - len(self._rest)))
            if not more:
                return
            self._rest += more

    def greet(self, *abilities: str) -> None:
        """Say hello and answer EHLO."""
        self.say(HELLO)
        self.hear()
        words = ("raw.example", *abilities)
        self.say(b"".join(f"250{'-' if word is not words[-1] else ' '}{word}\r\n".encode() for word in words))

    def expect(self, *replies: tuple[bytes, bytes]) -> None:
        """Answer each of these commands, in this order."""
        for command, reply in replies:
            said = self.hear()
            assert said.upper().startswith(command), (said, command)
            self.say(reply)

    def take_message(self) -> None:
        """Take one message, command by command."""
        self.expect((b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n"), (b"DATA", b"354 go\r\n"))
        while self.hear() != b".":
            pass
        self.say(b"250 ok\r\n")

    def reset(self) -> None:
        """Hang up so that the caller sees a reset connection."""
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.line.close()


@dataclass
class RawServer:
    """Where it listens, who called, and what went wrong inside."""

    port: int
    callers: list[Caller] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)


@contextmanager
def running(act: Callable[[Caller], None]) -> Iterator[RawServer]:
    """Run ``act`` for every connection; a fault in it fails the test at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def serve(line: socket.socket) -> None:
        caller = Caller(line)
        server.callers.append(caller)
        line.settimeout(20)
        try:
            with contextlib.suppress(ConnectionError), line:
                act(caller)
        except BaseException as fault:  # noqa: BLE001 - told at the end
            server.faults.append(fault)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _peer = listener.accept()
                threads.append(threading.Thread(target=serve, args=(line,), daemon=True))
                threads[-1].start()

    waiting = threading.Thread(target=accept, daemon=True)
    waiting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (waiting, *threads):
            thread.join(10)
    if server.faults:
        raise server.faults[0]
