"""A mailbox by POP3 (RFC 1939): what lies in it is known by its UIDL, and stays.

Not by Python's poplib: it reads no mail that has a line of more than 2,048
octets, and never again any that lies behind it.
"""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader

from listkeeper.feedback.mailbox_address import MailboxAddress
from listkeeper.mailroom import mailbox_line
from listkeeper.mailroom.brought import SIZE_LIMIT
from listkeeper.mailroom.mailbox_line import SECONDS, Lying, MailboxTrouble

_PIECE = 65_536
_MOST_OF_A_LIST = 16 * 1024 * 1024
_LISTED = re.compile(rb"(\d{1,9}) +([!-~]{1,70})\s*")


class _Refused(Exception):
    """The server said -ERR."""


class Pop3Mailbox:
    """A POP3 server that is signed in to."""

    def __init__(self, address: MailboxAddress, token: str | None) -> None:
        self._address = address
        with _told("It cannot be reached."):
            self._socket = socket.create_connection((address.host, address.port), timeout=SECONDS)
        self._reader: BufferedReader | None = None
        try:
            self._encrypt()
            with _told("It does not let us in: user, password or token are not right."):
                self._sign_in(token)
        except BaseException:
            self.cut()
            raise

    def _encrypt(self) -> None:
        tls = mailbox_line.encryption(self._address)
        with _told("It offers no encryption."):
            if not self._address.implicit_tls:
                self._reader = self._socket.makefile("rb")
                self._answer()
                self._ask(b"STLS")
                # What it said before the line was encrypted counts for nothing.
                self._reader = None
            self._socket = tls.wrap_socket(self._socket, server_hostname=self._address.host)
            self._reader = self._socket.makefile("rb")
            if self._address.implicit_tls:
                self._answer()

    def _sign_in(self, token: str | None) -> None:
        if token is None:
            self._ask(b"USER " + self._address.user.encode())
            self._ask(b"PASS " + self._address.password.encode())
            return
        self._ask(b"AUTH XOAUTH2")
        said = self._ask(base64.b64encode(mailbox_line.bearer(self._address.user, token)))
        if said.startswith(b"+ "):
            # It has told what is wrong, and waits for an empty line.
            self._ask(b"")
            raise _Refused

    def lying(self) -> list[Lying]:
        """Return what lies in it, in the server's order."""
        with _told("It does not say what lies in it, or has no UIDL."):
            keys = dict(self._listed(b"UIDL"))
            sizes = dict(self._listed(b"LIST"))
            return [
                Lying(key.decode("ascii"), number, int(sizes[number]))
                for number, key in keys.items()
                if number in sizes
            ]

    def _listed(self, command: bytes) -> Iterator[tuple[int, bytes]]:
        self._ask(command)
        for line in self._rest(_MOST_OF_A_LIST).splitlines():
            matched = _LISTED.match(line)
            if matched:
                yield int(matched[1]), matched[2]

    def content(self, mail: Lying) -> bytes | None:
        """Return the bytes of a mail; None when it has gone."""
        with _told("It does not hand over a mail."):
            try:
                self._ask(b"RETR %d" % mail.number)
            except _Refused:
                return None
            return self._rest(2 * SIZE_LIMIT)

    def delete(self, mail: Lying) -> None:
        """Let a mail be deleted when we say goodbye (RFC 1939, 6)."""
        with _told("It does not let us delete a mail."):
            self._ask(b"DELE %d" % mail.number)

    def close(self) -> None:
        """Say goodbye: only now is anything deleted."""
        with _told("It hangs up."):
            self._ask(b"QUIT")
        self.cut()

    def cut(self) -> None:
        """Hang up."""
        with suppress(OSError):
            if self._reader is not None:
                # Whoever still reads keeps a socket open.
                self._reader.close()
        with suppress(OSError):
            self._socket.close()

    def _ask(self, command: bytes) -> bytes:
        self._socket.sendall(command + b"\r\n")
        return self._answer()

    def _answer(self) -> bytes:
        said = self._line()
        if not said.endswith(b"\n"):
            raise ConnectionError
        if not said.startswith(b"+"):
            raise _Refused
        return said

    def _line(self) -> bytes:
        """Return the next line, or a piece of a long one."""
        if self._reader is None:
            raise ConnectionError
        return self._reader.readline(_PIECE)

    def _rest(self, most: int) -> bytes:
        """Return what comes up to the dot on a line of its own, the dots that were put before others taken away."""
        found: list[bytes] = []
        size, begins = 0, True
        while True:
            piece = self._line()
            if not piece or size > most:
                raise ConnectionError
            ends = piece.endswith(b"\n")
            if begins and piece.startswith(b"."):
                if piece.rstrip(b"\r\n") == b"." and ends:
                    return b"".join(found)
                piece = piece[1:]
            found.append(piece)
            size += len(piece)
            begins = ends


@contextmanager
def _told(words: str) -> Iterator[None]:
    """Tell in our words what the server refuses: its own may quote what was said to it."""
    try:
        yield
    except _Refused:
        raise MailboxTrouble(words) from None
    except (OSError, ValueError) as problem:
        raise mailbox_line.trouble(problem) from None
