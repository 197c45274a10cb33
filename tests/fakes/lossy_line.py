"""A bad line between a browser and the studio: requests are lost before they arrive, answers on their way back."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

# Headers that speak of one connection and not of what is carried over it.
_OF_THE_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length"}


class Line:
    """How bad the line is, and what became of the requests that were carried or lost."""

    def __init__(self, far: str, chance: random.Random) -> None:
        self.far = urlsplit(far)
        self.loss = 0.0
        self.carried = self.lost_before = self.lost_after = 0
        self.address = ""
        self.chance = chance
        self._lock = threading.Lock()

    def fate(self) -> str:
        """Draw what becomes of a request: half of the losses are of the request, half of the answer."""
        with self._lock:
            drawn = self.chance.random()
            if drawn >= self.loss:
                self.carried += 1
                return "carried"
            if drawn < self.loss / 2:
                self.lost_before += 1
                return "lost before"
            self.lost_after += 1
            return "lost after"


@contextmanager
def laid(far: str, chance: random.Random) -> Iterator[Line]:
    """Lay a line to a server; it is good until its ``loss`` is set."""
    line = Line(far, chance)
    handler = type("Handler", (_Handler,), {"line": line})
    server = _Server(("127.0.0.1", 0), handler)
    line.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield line
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that a browser hangs up is part of every story told over this line."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    line: ClassVar[Line]

    def carry(self) -> None:
        """Carry one request, or lose it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.line.fate()
        if fate == "lost before":
            self._cut()
            return
        far = HTTPConnection(self.line.far.hostname or "", self.line.far.port, timeout=30)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_HOP}
        try:
            far.request(self.command, self.path, body=body, headers=kept)
            answer = far.getresponse()
            content = answer.read()
        finally:
            far.close()
        if fate == "lost after":
            self._cut()
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = carry  # noqa: N815 - names that the standard library gives

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library gives
        """Say nothing."""
