"""Worker hosts side by side on one database and one queue server, each of which has a cable of its own to either.

One machine plays them all: every worker believes its host's name and clock (``far_host``), and what it asks of the
database and of the queue server goes through cables that can be cut, stalled and healed. The mail server is reached
without one.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.fakes import cable as cables
from tests.fakes import running_up
from tests.fakes.cable import Cable


@dataclass
class Host:
    """One machine with one worker."""

    database: Cable
    queue: Cable
    worker: subprocess.Popen[bytes]
    hangs: bool = False

    def hang(self) -> None:
        """Let the worker stand still, in the middle of whatever it does."""
        self.worker.send_signal(signal.SIGSTOP)
        self.hangs = True

    def stall(self) -> None:
        """Drop off the network without a word; only the mail server is reached still."""
        self.database.stall()
        self.queue.stall()

    def stall_at(self, *triggers: bytes, lets_last_through: bool = False) -> None:
        """Drop off the network as soon as these have gone to the database, in this order."""
        self.database.stall_at(*triggers, lets_last_through=lets_last_through)

    def is_away(self) -> bool:
        """Whether the database cannot be reached from here just now; then nor can the queue server."""
        if self.database.stalled.is_set():
            self.queue.stall()
        return self.hangs or self.database.stalled.is_set() or self.database.is_cut

    def cut(self) -> None:
        """Lose every connection, but for the one to the mail server, and get no new one."""
        self.database.cut()
        self.queue.cut()

    def heal(self) -> None:
        """Be back on the network, and move again."""
        if self.hangs:
            self.worker.send_signal(signal.SIGCONT)
            self.hangs = False
        self.database.heal()
        self.queue.heal()


@dataclass
class Hosts:
    """All hosts; the first machine, on which commands are typed, is ``data``."""

    data: Path
    queue_url: str
    settings: dict[str, str]
    leases: tuple[int, int, int] | None
    log: Path
    stack: ExitStack
    known: dict[str, Host] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Host:
        """Return a host by its name."""
        return self.known[name]

    def join(self, name: str, *, ahead: float = 0.0) -> None:
        """Let a host begin to work, whose clock is so many seconds ahead."""
        address = urlsplit(self.settings["database_url"])
        assert address.port
        database = self.stack.enter_context(cables.laid(("127.0.0.1", address.port)))
        queue = self.stack.enter_context(cables.laid(urlsplit(self.queue_url).path))
        own = self.settings | {
            "data": str(self.data.parent / name),
            "keys": str(self.data / "keys"),
            "database_url": address._replace(
                netloc=f"{address.username}:{address.password}@127.0.0.1:{database.port}"
            ).geturl(),
            "redis_url": f"redis://127.0.0.1:{queue.port}/0",
        }
        own |= {"test_leases": " ".join(map(str, self.leases))} if self.leases else {}
        words = [sys.executable, "-m", "tests.fakes.far_host", name, str(ahead), "work"]
        worker = running_up.begun(words, self.log, running_up.environment(**own))
        self.stack.callback(worker.wait, 10)
        self.stack.callback(worker.kill)
        self.known[name] = Host(database, queue, worker)

    def kill(self, name: str) -> None:
        """Kill a host's worker without a word."""
        worker = self.known[name].worker
        worker.kill()
        worker.wait(10)

    def drain(self, *names: str) -> list[int]:
        """Ask workers to stop; return their exit codes once all have."""
        workers = [self.known[name].worker for name in names]
        for worker in workers:
            worker.terminate()
        return [worker.wait(40) for worker in workers]

    def tend(self) -> None:
        """Do nothing: nobody here dies unasked."""

    def said(self) -> str:
        """Return what all workers have logged so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def side_by_side(
    data: Path, queue_url: str, *, leases: tuple[int, int, int] | None, **settings: str
) -> Iterator[Hosts]:
    """Make room for hosts; ``leases`` shortens the seconds for which a row is claimed, handed, and silence borne."""
    with ExitStack() as stack:
        told = {"check_links": "false", **settings}
        yield Hosts(data, queue_url, told, leases, data.parent / "hosts.log", stack)
