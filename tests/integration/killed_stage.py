"""A whole instance that sends a letter while its parts are killed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from listkeeper.cli import supervisor_queue
from tests.fakes import cable as cables
from tests.fakes import databases, foreign_sink, killable, mortal_postgres, running_up
from tests.fakes.cable import Cable
from tests.fakes.databases import Database
from tests.fakes.killable import PARTS, WORKERS, Killable
from tests.fakes.machine import Machine
from tests.fakes.mortal_postgres import Cluster
from tests.integration import sending_stage
from tests.integration.sending_stage import Stage


@dataclass
class KilledStage(Stage):
    """One machine with all its parts; between its workers and the mail server lies a cable."""

    parts: Killable
    cable: Cable = field(kw_only=True)
    cluster: Cluster | None = None

    def run(self, *names: str) -> None:
        """Start parts, the queue server first."""
        if "queue" in names:
            self.parts.start("queue")
            running_up.until(lambda: supervisor_queue.answers(self.parts.data), 30)
        self.parts.start(*(name for name in names if name != "queue"))

    def strike(self, kind: str) -> None:
        """Kill something, and let it come back."""
        names = {"worker": (self.chance.choice(WORKERS),), "memory": ("queue",), "everything": PARTS}.get(kind, (kind,))
        self.struck.append(f"{kind} after {len(self.sink.took())}")
        self.cut_off += {"worker": 1, "web": 0, "queue": 0, "memory": 0}.get(kind, len(WORKERS))
        if kind in {"database", "backend"}:
            self._strike_database(kind)
            return
        ran = [name for name in PARTS if name in names and name in self.parts.wanted]
        self.parts.kill(*ran)
        if kind == "memory":
            self.parts.forget_queue()
        self.run(*ran)

    def _strike_database(self, kind: str) -> None:
        assert self.cluster is not None
        if kind == "backend":
            self.cluster.kill_one(self.chance)
            return
        self.cluster.kill()
        time.sleep(self.chance.uniform(0, 1))
        self.cluster.start()


@contextmanager
def opened(
    kind: str, chance: random.Random, templates: Path, *, seconds: float = 0.0, mortal: bool = False
) -> Iterator[KilledStage]:
    """Open a stage on a database of a kind; the mail server takes ``seconds`` for each message.

    ``mortal``: PostgreSQL is a cluster of this stage's own, which may be killed.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(running_up.short_folder())
        folder.mkdir(mode=0o700)
        cluster = stack.enter_context(mortal_postgres.cluster()) if mortal and kind == "postgresql" else None
        if cluster is not None:
            database = Database(kind, cluster.url)
        elif kind == "postgresql":
            database = stack.enter_context(databases.on_postgresql(int(os.environ["LISTKEEPER_TEST_RUN"])))
        else:
            database = stack.enter_context(databases.on_sqlite(folder, templates))
        sink = stack.enter_context(foreign_sink.running(folder.parent / "sink.diary", seconds=seconds))
        cable = stack.enter_context(cables.laid(("127.0.0.1", sink.port)))
        # The long way round through the test's own process is for tests that stop what goes through there.
        told = {"smtp_url": sink.url if mortal else f"smtp://127.0.0.1:{cable.port}", "public_url": sending_stage.SITE}
        told |= {"database_url": database.url} if database.setting else {}
        instance = stack.enter_context(killable.instance(folder, **told))
        yield KilledStage(Machine(folder, database), sink, chance, instance, cable=cable, cluster=cluster)
