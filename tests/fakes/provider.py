"""A mail provider's interface on loopback: keeps every post, and answers what a test wrote down beforehand."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Door"], None]


@dataclass(frozen=True)
class Asked:
    """One post as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The body, read as JSON."""
        return json.loads(self.body)

    def form(self) -> list[tuple[str, bytes]]:
        """The parts of a form, by name, as the bytes that stand between the boundaries."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        boundary = f"--{message_from_bytes(head).get_boundary()}".encode()
        parts = self.body.split(boundary)[1:-1]
        found = []
        for part in parts:
            about, _, value = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            name = message_from_bytes(about + b"\r\n\r\n").get_param("name", header="content-disposition")
            found.append((str(name), value.removesuffix(b"\r\n")))
        return found


@dataclass
class Provider:
    """Where it is, what it was asked, and what it says; ``usual`` answers when nothing else was written down."""

    usual: Act
    origin: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    _next: list[Act] = field(default_factory=list)

    def then(self, *acts: Act) -> None:
        """Answer the next posts so, one each."""
        self._next += acts

    def act(self) -> Act:
        """Return what to do with the post that has just come in."""
        return self._next.pop(0) if self._next else self.usual


class Door(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    provider: Provider

    def setup(self) -> None:
        super().setup()
        self.provider.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.provider.asked.append(Asked(self.path, headers, body))
        self.provider.act()(self)

    def do_HEAD(self) -> None:
        self.provider.asked.append(Asked(f"HEAD {self.path}", {}, b""))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Be quiet."""


def says(status: int, body: object = b"", **headers: str) -> Act:
    """Answer with a status and a body, which is JSON unless it is bytes."""
    written = body if isinstance(body, bytes) else json.dumps(body).encode()

    def act(door: Door) -> None:
        door.send_response(status)
        for name, value in headers.items():
            door.send_header(name.replace("_", "-"), value)
        door.send_header("Content-Length", str(len(written)))
        door.end_headers()
        with suppress(OSError):
            door.wfile.write(written)

    return act


def resets(door: Door) -> None:
    """Take the whole post, and break the connection without a word."""
    door.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    door.close_connection = True
    door.connection.close()


def hangs_up_after(act: Act) -> Act:
    """Answer, and close the connection a moment later without having said so."""

    def hang_up(door: Door) -> None:
        act(door)
        door.close_connection = True

    return hang_up


def drips(door: Door) -> None:
    """Say a byte now and then, for ever."""
    with suppress(OSError):
        while True:
            door.wfile.write(b"H")
            door.wfile.flush()
            time.sleep(0.05)


def babbles(door: Door) -> None:
    """Answer with something that is not HTTP."""
    door.wfile.write(b"\x00\xff\r\n" * 40)
    door.close_connection = True


@contextmanager
def running(usual: Act, tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """Run a provider."""
    provider = Provider(usual)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (Door,), {"provider": provider}))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    # Broken connections are what these tests are about, and nothing for their output.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    provider.origin = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
