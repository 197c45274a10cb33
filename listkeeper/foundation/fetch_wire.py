"""One connection to one checked address of a web server, whose time is bounded.

The connection goes to the very address that was looked up: a name that changes
its mind in between gains nothing.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import SplitResult

from listkeeper.foundation import fetch_address, language
from listkeeper.foundation.fetch_address import Unreachable

# What goes wrong on the wire.
PROBLEMS = (OSError, http.client.HTTPException, ValueError)


def wired(parts: SplitResult, address: str, deadline: float, tls: ssl.SSLContext) -> Wire:
    """Open a connection to an address of a web address's host. Raises one of ``PROBLEMS``."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    host, port = fetch_address.host_of(parts), fetch_address.port_of(parts)
    connection = http.client.HTTPConnection(host, port, timeout=left)
    connection.default_port = fetch_address.PORTS[parts.scheme]
    # Of its own it would look the name up again, and connect to whatever it finds.
    connection.auto_open = 0
    plain = socket.create_connection((address, port), timeout=left)
    # The head and the body of a post are two writes; without this the second would wait for an ACK.
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire = Wire(connection, plain.dup())
    connection.sock = plain
    try:
        with Watch(wire.handle, deadline):
            if parts.scheme == "https":
                connection.sock = tls.wrap_socket(plain, server_hostname=host)
    except BaseException:
        wire.close()
        raise
    return wire


@dataclass(frozen=True)
class Wire:
    """An open connection, and a duplicate of its descriptor that stays valid when TLS takes the socket over."""

    connection: http.client.HTTPConnection
    handle: socket.socket

    @property
    def certificate_ends(self) -> datetime | None:
        """Until when the server's certificate is valid, aware UTC; None without encryption."""
        sock = self.connection.sock
        said = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
        until = said.get("notAfter") if said else None
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(until)), UTC) if until else None

    def has_ended(self) -> bool:
        """Whether the other side has hung up, or said something nobody asked for."""
        return bool(select.select([self.handle], [], [], 0)[0])

    def close(self) -> None:
        """Hang up."""
        self.connection.close()
        self.handle.close()


class Watch:
    """Ends a connection when its time is up: a server that drips one byte a second resets every other timeout."""

    def __init__(self, handle: socket.socket, deadline: float) -> None:
        self._handle = handle
        self._timer = threading.Timer(max(deadline - time.monotonic(), 0), self._end)
        self._timer.daemon = True
        self._ended = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        self._timer.cancel()
        if self._ended and isinstance(problem, PROBLEMS):
            raise TimeoutError from None

    @property
    def has_ended(self) -> bool:
        """Whether the time was up before the work was done."""
        return self._ended

    def _end(self) -> None:
        self._ended = True
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It ended by itself in the same moment.
            return


def trouble(problem: Exception) -> Unreachable:
    """Return in words what went wrong; never the problem's own, which may quote what was sent."""
    match problem:
        case ssl.SSLCertVerificationError():
            words = language.text("its certificate is not valid: %(error)s", error=problem.verify_message)
            return Unreachable(words, distrusted=True)
        case ssl.SSLError():
            words = language.text("no secure connection can be made")
        case TimeoutError():
            words = language.text("no answer in time")
        case ConnectionRefusedError():
            words = language.text("the web server refuses connections")
        case _:
            words = language.text("the web server gives no answer that can be read")
    return Unreachable(words)
