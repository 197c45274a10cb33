"""People who leave while their letter is being sent, and how long after their commit a hand-over still begins.

consent.md asks for no hand-over later than one second after the commit, for 99 of 100. Two workers send a letter to a
mail server that takes its time; meanwhile people leave, one commit each, in a random order. The mail server notes
when each recipient is named to it, on the same clock that notes each commit. Whoever left before she was named must
be named within the second, or never. ``LISTKEEPER_TEST_DATABASES=postgresql`` measures there.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import SupportsIndex

from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.subscriber import Subscriber
from listkeeper.cli import context
from listkeeper.sending import planning
from listkeeper.settings import Settings
from tests.benchmarks import instance
from tests.benchmarks.figure import Figure
from tests.fakes import databases, smtp_sink
from tests.makers import cafe, crowd

_WORKERS = 2
_ANSWER_SECONDS = 0.002
_SEED = 20261123


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Let people leave during a send; the figure is the 99th of a hundred, in milliseconds after the commit."""
    count = 10_000 if full else 2_000
    kinds = databases.chosen()
    kind = kinds[0] if len(kinds) == 1 else "sqlite"
    seen = [_leave_while_sending(count, kind) for _ in range(repeats)]
    late = sorted(delay for one in seen for delay in one.late)
    left = sum(len(one.late) for one in seen)
    begun = [delay for delay in late if delay > 0]
    note = (
        f"{kind}, {count} mails, {_WORKERS} workers: {left} people left in time, {len(begun)} of them were handed over"
        f" after the commit, the latest {max(begun, default=0) * 1000:.0f} ms after it; their own commit took"
        f" {statistics.median(cost for one in seen for cost in one.cost) * 1000:.0f} ms (median)"
    )
    each = [_ninety_ninth(sorted(one.late)) for one in seen]
    return Figure(
        name=name, figure=round(_ninety_ninth(late) * 1000, 1), unit="ms after the commit", limit=None, ratio=None,
        repeats=repeats, spread=round((max(each) - min(each)) * 1000, 1), limit_is="the promise is 1,000 ms", note=note,
    )  # fmt: skip


def _ninety_ninth(delays: list[float]) -> float:
    return delays[min(len(delays) - 1, int(len(delays) * 0.99))] if delays else 0.0


@dataclass
class _Seen:
    """Of each person who left before she was named to the mail server: how late she was (0: never named)."""

    late: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)


class Timed(list[tuple[str, str]]):
    """The commands a mail server got, and when each recipient was named."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, float] = {}

    def append(self, item: tuple[str, str]) -> None:
        """Note the moment, and let the server take its time over the mail."""
        step, argument = item
        if step == "RCPT":
            self.named[argument.partition("<")[2].partition(">")[0]] = time.perf_counter()
            time.sleep(_ANSWER_SECONDS)

    def insert(self, index: SupportsIndex, item: tuple[str, str]) -> None:
        """Not what the server does."""
        raise NotImplementedError


def _leave_while_sending(count: int, kind: str) -> _Seen:
    with (
        tempfile.TemporaryDirectory(prefix="lk-bench-") as folder,
        smtp_sink.running() as sink,
        instance.settings(Path(folder), kind, sink.url) as settings,
    ):
        sink.commands = timed = Timed()
        with context.opened(settings, create=True):
            list_id, people = _prepare(settings, count)
            workers = started(settings)
            commits, seen = _leave(list_id, people, timed, workers)
        ended = [worker.wait(600) for worker in workers]
        if any(ended):
            raise SystemExit(f"workers ended with {ended}")
        for address, committed in commits.items():
            named = timed.named.get(address)
            if named is None or named > committed:
                seen.late.append(named - committed if named is not None else 0.0)
    return seen


def _prepare(settings: Settings, count: int) -> tuple[int, dict[str, int]]:
    with store.transaction() as session:
        made = cafe.found(session)
        crowd.gather(session, made, count)
        letter = cafe.draft(session, made)
        planning.send_campaign(session, made.organisation, letter, site=settings.site)
        people = {row[0]: row[1] for row in session.execute(select(Subscriber.email_send, Subscriber.id))}
        return made.mailing_list.id, people


def started(settings: Settings, *words_of_it: str) -> list[subprocess.Popen[str]]:
    """Start two workers, and let them begin together."""
    words = [sys.executable, "-m", "tests.benchmarks.sender", *words_of_it]
    workers = [
        subprocess.Popen(
            words, env=instance.environment(settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(_WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return workers


def _leave(
    list_id: int, people: dict[str, int], timed: Timed, workers: list[subprocess.Popen[str]]
) -> tuple[dict[str, float], _Seen]:
    commits: dict[str, float] = {}
    seen = _Seen()
    order = sorted(people)
    random.Random(_SEED).shuffle(order)
    for address in order:
        if all(worker.poll() is not None for worker in workers):
            break
        if address in timed.named:
            continue
        start = time.perf_counter()
        with store.transaction() as session:
            unsubscribe.leave(session, people[address], list_id, Method.ONE_CLICK)
        commits[address] = time.perf_counter()
        seen.cost.append(commits[address] - start)
        time.sleep(0.005)
    return commits, seen
