"""The listener of the mailroom in a thread of the test, on ports of its own, and a stranger who talks to it by hand."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from listkeeper.mailroom.door import Context, Doorman
from listkeeper.mailroom.listener import Limits, Listener, Places


@dataclass(frozen=True)
class Listening:
    """Where it listens."""

    smtp: int
    lmtp: int
    listener: Listener


@contextmanager
def running(
    context: Context, folder: Path, *, return_path: str | None = "bounce.cafe.example", limits: Limits | None = None
) -> Iterator[Listening]:
    """Listen for the block."""
    made: list[Listener] = []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    places = Places("127.0.0.1:0", "127.0.0.1:0", folder / "run" / "listener.json")

    async def serve() -> None:
        stopping = asyncio.Event()
        made.append(Listener("bounce.cafe.example", Doorman(return_path, context), context, limits or Limits()))
        loops.append((asyncio.get_running_loop(), stopping))
        await made[0].serve(places, stopping)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not places.announcement.exists():
        assert time.monotonic() < until, "it does not listen"
        time.sleep(0.01)
    ports = json.loads(places.announcement.read_text())
    try:
        yield Listening(ports["smtp"], ports["lmtp"], made[0])
    finally:
        loop, stopping = loops[0]
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)
        assert not thread.is_alive()
    assert not places.announcement.exists()


class Stranger:
    """A connection whose every byte the test says itself."""

    def __init__(self, port: int, *, greeted: bool = True) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._reader = self.line.makefile("rb")
        if greeted:
            assert self.hear().startswith("220 ")

    def say(self, words: bytes) -> None:
        """Send bytes as they are."""
        self.line.sendall(words)

    def hear(self) -> str:
        """Return the next answer, its last line; empty when the other side has hung up."""
        while True:
            line = self._reader.readline().decode()
            if not line or line[3:4] != "-":
                return line.rstrip("\r\n")

    def ask(self, words: bytes) -> str:
        """Say one line and return the answer."""
        self.say(words + b"\r\n")
        return self.hear()

    def bring(self, content: bytes, *recipients: str, sender: str = "") -> str:
        """Bring a mail in one piece, as pipelining allows, and return the last answer."""
        self.say(f"MAIL FROM:<{sender}>\r\n".encode() + b"".join(f"RCPT TO:<{one}>\r\n".encode() for one in recipients))
        assert self.hear().startswith("250")
        for _ in recipients:
            assert (said := self.hear()).startswith("250"), said
        assert self.ask(b"DATA").startswith("354")
        self.say(content.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        return self.hear()

    def close(self) -> None:
        """Hang up without a word."""
        self._reader.close()
        self.line.close()
