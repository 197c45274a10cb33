"""The line to a mail server: octets given to the kernel are counted, replies are bounded in length and in time.

A write that fails says how far it came, for that decides whether a message can
have been taken. A reply has one deadline for the whole of it, so that a server
which sends an octet now and then cannot hold the line for ever.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from listkeeper.standards.smtp_reply import NotAReply, Replies, Reply

_OCTETS_AT_ONCE = 8_192
# One record of TLS (RFC 8446 section 5.1): a write of more would leave open how much of it had left.
_RECORD_OCTETS = 16_384


class LineLost(Exception):
    """Nothing more can be heard on this line; the words say why."""


class HungUp(LineLost):
    """The server closed the line; unlike silence or noise that may have been an old one's natural end."""


class SmtpLine:
    """One connection. Every wait is bounded by ``seconds``; a write as a whole, a reply as a whole."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._replies = Replies()
        self._broken: LineLost | None = None
        self._given_at = time.monotonic()
        self.encrypted = isinstance(connected, ssl.SSLSocket)
        # The parts of a conversation are small writes: without this each would wait for an ACK.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """Change how long is waited from now on."""
        self._seconds = seconds
        self._socket.settimeout(seconds)
        self._waits_less = False

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Begin encryption (RFC 3207). Raises LineLost when the server spoke ahead, and ssl.SSLError.

        What came in the clear may have come from anybody: it must not be taken for a reply of the encrypted line.
        """
        if not self._replies.empty:
            raise LineLost("the server said more before encryption began")
        self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self.encrypted = True

    def ask(self, command: bytes) -> Reply:
        """Say one command and return the reply. Raises LineLost."""
        self.give(command + b"\r\n")
        return self.hear()

    def give(self, octets: bytes, must: int = 0) -> None:
        """Give octets to the kernel. Raises LineLost when it is certain that fewer than ``must`` of them have left.

        A write that broke later than that shows when the reply is heard: what the server said before may still be read.
        """
        self._given_at = time.monotonic()
        given = uncertain = 0
        try:
            while given < len(octets):
                if given:
                    self._wait_until(self._given_at + self._seconds)
                # A plain write that fails has given nothing; an encrypted one may have given its whole record.
                if self.encrypted:
                    part = octets[given : given + _RECORD_OCTETS]
                    uncertain = len(part)
                else:
                    part = octets[given:]
                given += self._socket.send(part)
        except OSError as problem:
            self._broken = _lost(problem)
            if given + uncertain < must:
                raise self._broken from problem
        if self._waits_less:
            self.wait(self._seconds)

    def hear(self) -> Reply:
        """Return the next reply. Raises LineLost when it does not come whole, in time, or is none."""
        deadline = 0.0
        try:
            while (reply := self._replies.take()) is None:
                if self._broken is not None:
                    self._socket.settimeout(0)
                elif deadline:
                    self._wait_until(deadline)
                else:
                    deadline = time.monotonic() + self._seconds
                octets = self._socket.recv(_OCTETS_AT_ONCE)
                if not octets:
                    raise HungUp("the server hung up")
                self._replies.feed(octets)
        except OSError as problem:
            raise (self._broken or _lost(problem)) from problem
        except NotAReply as problem:
            raise LineLost(str(problem)) from problem
        if self._waits_less:
            self.wait(self._seconds)
        return reply

    def _wait_until(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        self._waits_less = True

    @property
    def seconds_since_given(self) -> float:
        """How long ago the last write began."""
        return time.monotonic() - self._given_at

    @property
    def spoke_ahead(self) -> bool:
        """Whether more was heard than has been asked for: such a server's replies cannot be told apart."""
        return not self._replies.empty

    @property
    def quiet(self) -> bool:
        """Whether the line stands and nothing waits on it unasked: a farewell, or its end."""
        if self._broken is not None or not self._replies.empty:
            return False
        try:
            self._socket.settimeout(0)
            self._replies.feed(self._socket.recv(_OCTETS_AT_ONCE))
        except (BlockingIOError, ssl.SSLWantReadError):
            self._socket.settimeout(self._seconds)
            return True
        except OSError:
            pass
        return False

    def hang_up(self) -> None:
        """Close the connection without a word."""
        with contextlib.suppress(OSError):
            self._socket.close()


def _lost(problem: OSError) -> LineLost:
    closed = isinstance(problem, ConnectionError | ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return HungUp(str(problem)) if closed else LineLost(str(problem))
