"""Octets on the line: what has left when a write breaks, and how long a reply may take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from listkeeper.sending.handing_over.smtp_line import HungUp, LineLost, SmtpLine
from listkeeper.standards.smtp_reply import Reply

_MUCH = b"x" * 20_000_000


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    yield ours, theirs
    ours.close()
    theirs.close()


class _Kernel:
    """Takes so many octets of each write as it is told, then fails."""

    def __init__(self, *takes: int) -> None:
        self._takes = list(takes)
        self.given = b""

    def send(self, octets: bytes) -> int:
        if not self._takes:
            raise ConnectionResetError("reset")
        taken = min(self._takes.pop(0), len(octets))
        self.given += octets[:taken]
        return taken

    def recv(self, _count: int) -> bytes:
        raise BlockingIOError

    def setsockopt(self, *_option: int) -> None: ...

    def settimeout(self, _seconds: float) -> None: ...


# A message of 40,000 octets whose 39,998th must have left before it can have been taken.
@pytest.mark.parametrize(
    ("takes", "encrypted", "may_have_been_taken"),
    [
        ([], False, False),
        ([39_997], False, False),
        ([20_000, 19_997], False, False),
        ([39_998], False, True),
        ([20_000, 19_999], False, True),
        ([50_000], False, True),
        # A record that failed may have left whole, and one that is whole can be read.
        ([], True, False),
        ([16_384], True, False),
        ([16_384, 16_384], True, True),
        ([16_384, 7_229], True, False),
        ([16_384, 7_230], True, True),
    ],
)
def test_a_write_that_breaks_is_lost_only_if_its_end_cannot_have_left(
    takes: list[int], *, encrypted: bool, may_have_been_taken: bool
) -> None:
    kernel = _Kernel(*takes)
    line = SmtpLine(kernel, 1)  # type: ignore[arg-type]
    line.encrypted = encrypted
    if may_have_been_taken:
        line.give(b"y" * 40_000 + b"MAIL FROM:<>\r\n", 39_998)
    else:
        with pytest.raises(HungUp):
            line.give(b"y" * 40_000 + b"MAIL FROM:<>\r\n", 39_998)
    assert len(kernel.given) == sum(min(taken, 40_014) for taken in takes)
    with pytest.raises(LineLost):
        line.hear()


def test_a_server_that_does_not_read_is_not_written_to_for_ever(ends: tuple[socket.socket, socket.socket]) -> None:
    line, began = SmtpLine(ends[0], 0.3), time.monotonic()
    with pytest.raises(LineLost, match="timed out"):
        line.give(_MUCH, len(_MUCH))
    assert time.monotonic() - began < 5


def test_what_was_said_before_a_line_broke_is_still_heard(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    line = SmtpLine(ours, 5)
    theirs.sendall(b"421 4.3.2 closing\r\n")
    theirs.close()
    line.give(_MUCH)
    assert line.hear() == Reply(421, "4.3.2 closing")
    with pytest.raises(LineLost):
        line.hear()


def test_a_reply_has_one_deadline_however_often_an_octet_comes(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    line, stop = SmtpLine(ours, 0.4), threading.Event()

    def drip() -> None:
        while not stop.wait(0.05):
            theirs.sendall(b"2")

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    with pytest.raises(LineLost, match="timed out"):
        line.hear()
    assert 0.3 < time.monotonic() - began < 5
    stop.set()
    dripping.join()


def test_a_line_is_quiet_until_something_comes_unasked(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    line = SmtpLine(ours, 5)
    assert line.quiet
    theirs.sendall(b"250 ok\r\n250 and more\r\n")
    assert line.hear() == Reply(250, "ok")
    assert line.spoke_ahead
    assert not line.quiet
    assert line.hear() == Reply(250, "and more")
    assert line.quiet
    theirs.close()
    time.sleep(0.05)
    assert not line.quiet
