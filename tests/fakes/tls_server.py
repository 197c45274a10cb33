"""A server on loopback that speaks in lines, over TLS from the first byte or once it is asked to: for mailboxes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from tests.fakes import smtp_sink

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    """A certificate of this test's own for 127.0.0.1: what a client trusts, and what a server shows."""

    file: Path
    context: ssl.SSLContext


def certificate(folder: Path) -> Certificate:
    """Make one."""
    shown, private = smtp_sink.certificate(HOST)
    file, key = folder / "server.pem", folder / "server.key"
    file.write_bytes(shown)
    key.write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return Certificate(file, context)


@dataclass
class Talk:
    """One connection, seen from the server."""

    line: socket.socket
    reader: BufferedReader
    context: ssl.SSLContext
    encrypted: bool

    def say(self, words: bytes) -> None:
        """Send a line, or bytes as they are when they end with one."""
        self.line.sendall(words if words.endswith(b"\n") else words + b"\r\n")

    def hear(self) -> bytes:
        """Return the next line without its end. Raises ConnectionError when there is none."""
        said = self.reader.readline()
        if not said.endswith(b"\r\n"):
            raise ConnectionResetError
        return said[:-2]

    def encrypt(self) -> None:
        """Go on over TLS."""
        self.line = self.context.wrap_socket(self.line, server_side=True)
        self.reader.close()
        self.reader = self.line.makefile("rb")
        self.encrypted = True

    def cut(self) -> None:
        """Hang up."""
        raise ConnectionResetError


@dataclass
class Serving:
    """Where it listens, and what went wrong inside."""

    port: int
    faults: list[BaseException] = field(default_factory=list)


@contextmanager
def serving(act: Callable[[Talk], None], shown: Certificate, *, implicit: bool = True) -> Iterator[Serving]:
    """Run ``act`` for each connection of the block; a fault in it fails the test at the end."""
    listener = socket.create_server((HOST, 0))
    server = Serving(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def serve(line: socket.socket) -> None:
        _serve(line, act, shown, server.faults, implicit=implicit)

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


def _serve(
    line: socket.socket, act: Callable[[Talk], None], shown: Certificate, faults: list[BaseException], *, implicit: bool
) -> None:
    line.settimeout(20)
    # A client that trusts nobody, or hangs up, is no fault of this server.
    with contextlib.suppress(OSError):
        line = shown.context.wrap_socket(line, server_side=True) if implicit else line
        talk = Talk(line, line.makefile("rb"), shown.context, implicit)
        try:
            act(talk)
        except OSError:
            raise
        except BaseException as fault:  # noqa: BLE001 - told at the end
            faults.append(fault)
        finally:
            talk.reader.close()
            talk.line.close()
    line.close()
