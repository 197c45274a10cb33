"""A stranger's mail server in a process of its own: what it took is in a file before it says so, whoever is killed.

``python -m tests.fakes.foreign_sink DIARY SECONDS`` prints its port and serves until a signal; it answers each message
after SECONDS, and none while there is a file ``DIARY.hold``, but for as many of the first as that file says. Every
line of the diary is a moment, a word (``named`` when a recipient is, ``took`` when a whole message has arrived), the
address and, of a message, its Message-ID and what the client called itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes import running_up

_OFFERS = b"250-foreign.example\r\n250-PIPELINING\r\n250-SIZE 33554432\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
# As ``tests.makers.multitude`` names people.
_CROWD = "@crowd.example"
_END = b"\r\n.\r\n"


@dataclass
class ForeignSink:
    """The server as a test sees it: by what stands in its diary."""

    port: int
    diary: Path
    # When each recipient was named last, and who handed her message over.
    named: dict[str, float] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)
    _took: list[tuple[str, str]] = field(default_factory=list)
    _read: int = 0

    @property
    def url(self) -> str:
        """The address for LISTKEEPER_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}"

    def took(self) -> list[tuple[str, str]]:
        """Return every message to the crowd that has arrived whole, in order: to whom, and its Message-ID.

        What owners are told of incidents meanwhile is left out.
        """
        with self.diary.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.decode().splitlines():
            moment, word, address, *rest = line.split()
            if not address.endswith(_CROWD):
                continue
            if word == "named":
                self.named[address] = float(moment)
            else:
                self._took.append((address, rest[0]))
                self.by[address] = rest[1]
        return self._took

    @property
    def _hold(self) -> Path:
        return Path(f"{self.diary}.hold")

    def hold(self, after: int = 0) -> None:
        """Let no message be answered from now on, or none after the first so many; it is taken all the same."""
        beside = self._hold.with_suffix(".beside")
        beside.write_text(str(after))
        beside.rename(self._hold)

    def let_go(self) -> None:
        """Answer what was taken, and whatever comes."""
        self._hold.unlink(missing_ok=True)

    def doubled(self) -> dict[str, int]:
        """Return which recipients and which Message-IDs came more than once."""
        seen = Counter(word for pair in self.took() for word in pair)
        return {word: times for word, times in seen.items() if times > 1}


@contextmanager
def running(diary: Path, *, seconds: float = 0.0) -> Iterator[ForeignSink]:
    """Run one beside the test."""
    words = [sys.executable, "-m", "tests.fakes.foreign_sink", str(diary), str(seconds)]
    process = subprocess.Popen(running_up.bound(words), cwd=running_up.ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield ForeignSink(int(process.stdout.readline()), diary)
    finally:
        process.kill()
        process.communicate()


class _Diary:
    """What the server writes down, and how long it takes for each message."""

    def __init__(self, path: str, seconds: float) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._hold, self._seconds = Path(f"{path}.hold"), seconds
        self._took = 0

    def note(self, *words: str) -> None:
        """Write a line, in one piece and before the answer."""
        os.write(self._file, f"{time.time():.6f} {' '.join(words)}\n".encode())

    async def ready(self) -> None:
        """Wait until a message may be answered."""
        self._took += 1
        number = self._took
        await asyncio.sleep(self._seconds)
        while self._holds(number):  # noqa: ASYNC110 - the word comes from another process
            await asyncio.sleep(0.01)

    def _holds(self, number: int) -> bool:
        try:
            return number > int(self._hold.read_text())
        except FileNotFoundError:
            return False


class _Conversation:
    """One client: commands in, replies out, as RFC 5321 and RFC 2920 have it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, diary: _Diary) -> None:
        self._reader, self._writer, self._diary = reader, writer, diary
        self._recipient = self._client = ""

    async def hold(self) -> None:
        """Talk until the client hangs up or is no more."""
        self._writer.write(b"220 foreign.example ESMTP\r\n")
        try:
            while line := await self._reader.readline():
                if not await self._answer(line.rstrip(b"\r\n")):
                    break
                await self._writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer.close()

    async def _answer(self, line: bytes) -> bool:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._client = line[5:].decode()
            self._writer.write(_OFFERS)
        elif verb == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            self._diary.note("named", self._recipient)
            self._writer.write(b"250 2.1.5 known\r\n")
        elif verb == b"DATA":
            await self._take()
        else:
            self._writer.write(b"221 2.0.0 goodbye\r\n" if verb == b"QUIT" else b"250 2.0.0 yes\r\n")
        return verb != b"QUIT"

    async def _take(self) -> None:
        self._writer.write(b"354 go on\r\n")
        content = await self._reader.readuntil(_END)
        found = _MESSAGE_ID.search(content)
        self._diary.note("took", self._recipient, found[1].decode() if found else "none", self._client)
        await self._diary.ready()
        self._writer.write(b"250 2.0.0 kept\r\n")


async def _serve(diary: _Diary) -> None:
    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Conversation(reader, writer, diary).hold()

    server = await asyncio.start_server(met, "127.0.0.1", 0, limit=33_554_432, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until a signal."""
    asyncio.run(_serve(_Diary(sys.argv[1], float(sys.argv[2]))))


if __name__ == "__main__":
    main()
