"""A PostgreSQL cluster of one test's own that may be killed: what it has committed is on the disk, as in life.

The server of the run keeps nothing and serves everybody, so nobody may kill that one.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.fakes import postgres, running_up

# As PostgreSQL is delivered, but for the room it takes: fsync, full pages and synchronous commits are on.
_OPTIONS = {
    "max_connections": "60",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True)
class Cluster:
    """One cluster; its server runs unless it was killed."""

    folder: Path
    server: postgres.Server

    @property
    def url(self) -> str:
        """The address of its one database."""
        return self.server.url("postgres")

    def kill(self) -> None:
        """Kill the server with every process of it, as the end of its machine would."""
        parent = self._postmaster()
        # It could start more while we count: it stands still first.
        os.kill(parent, signal.SIGSTOP)
        everybody = [parent, *_children(parent)]
        for process in everybody:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        # Collected by us, or the next server would take it for one that lives.
        os.waitpid(parent, 0)
        _until_gone(everybody)

    def kill_one(self, chance: random.Random) -> None:
        """Kill one process that serves a client: the server takes all of them down, recovers and goes on by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            serving = [row[0] for row in connection.execute(query)]
        if serving:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(sorted(serving)), signal.SIGKILL)

    def start(self) -> None:
        """Start the server on what lies on the disk; it recovers, and answers when this returns."""
        try:
            with _adopting():
                postgres.start_server(self.folder, self.server.port, _OPTIONS)
        except RuntimeError as problem:
            problem.add_note((self.folder / "cluster" / "log").read_text()[-2000:])
            raise

    def end(self) -> None:
        """Stop the server at once and in order: nothing of it stays in the machine's memory."""
        parent = self._postmaster()
        os.kill(parent, signal.SIGQUIT)
        os.waitpid(parent, 0)

    def _postmaster(self) -> int:
        return int((self.folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster and run it; its folder goes away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="lk-mortal-"))
    folder.chmod(0o755)
    made = None
    try:
        with _adopting():
            made = Cluster(folder, postgres.new_cluster(folder, _OPTIONS, _quiet_port()))
        yield made
    finally:
        if made is not None:
            with suppress(OSError, ValueError, IndexError):
                made.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the parent of whoever loses its own (prctl(2), PR_SET_CHILD_SUBREAPER), as a server does when it runs."""
    kernel = ctypes.CDLL(None)
    kernel.prctl(36, 1, 0, 0, 0)
    try:
        yield
    finally:
        kernel.prctl(36, 0, 0, 0, 0)


def _quiet_port() -> int:
    """Return a free port that no client is given: one who knocks at a dead server would meet himself."""
    while True:
        port = random.SystemRandom().randint(15_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if folder.name.isdigit() and int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(folder.name))
    return found


def _until_gone(processes: list[int]) -> None:
    until = time.monotonic() + 60
    while any(map(running_up.lives, processes)):
        assert time.monotonic() < until, "a killed process is still there"
        time.sleep(0.01)
