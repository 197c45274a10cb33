"""How many events of mail providers a second are taken, each kept for good before its post is answered.

performance.md section 5 asks for 500 a second on two cores. Posts are SendGrid's, whose signature (ECDSA) is the
dearest to check: of one event each, and of a hundred. The jobs that read them run beside it. A run counts only when the
database holds every post, and the fact of each. Beside it, in turns, the same server with an application that does
nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from listkeeper import settings as settings_file
from listkeeper import store
from listkeeper.cli import context
from listkeeper.feedback import esp_address
from tests.benchmarks import asked, figure, load, web
from tests.benchmarks.asked import Seen
from tests.benchmarks.figure import Figure
from tests.benchmarks.instance import database
from tests.fakes import running_up
from tests.fakes.running_up import Running
from tests.makers import cafe, esp_posts

_CONNECTIONS = 16
_PROVIDER = "sendgrid"
_BATCH = 100
_KEPT = "SELECT count(*) FROM inbound WHERE way = 'sendgrid'"


@dataclass(frozen=True)
class _Open:
    """A running instance that expects SendGrid, and the path that it posts to."""

    instance: Running
    data: Path
    url: str | None
    path: str

    def kept(self) -> int:
        """Return how many posts are in the database."""
        if self.url is not None:
            import psycopg  # noqa: PLC0415 - only where PostgreSQL is measured

            with psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://")) as there:
                row = there.execute(_KEPT).fetchone()
        else:
            with sqlite3.connect(self.data / "listkeeper.db", timeout=15) as here:
                row = here.execute(_KEPT).fetchone()
        return int(row[0]) if row else 0


def measure(name: str, *, repeats: int, full: bool) -> list[Figure]:
    """Post for some seconds, again and again: events one by one, and by the hundred."""
    kind = "postgresql" if name.endswith("postgresql") else "sqlite"
    posts = 10_000 if full else 4_000
    return [
        _measured(name, kind, posts, 1, repeats),
        _measured(f"{name}-by-the-hundred", kind, posts // 8, _BATCH, repeats),
    ]


def _measured(name: str, kind: str, posts: int, events: int, repeats: int) -> Figure:
    seen: list[Seen] = []

    def ours() -> float:
        seen.append(_run(kind, posts, events))
        return seen[-1].run.per_second * events

    def idle() -> float:
        with web.doing_nothing() as port:
            return load.get("127.0.0.1", port, "/", seconds=3).per_second * events

    found = figure.compare(
        name, "events/s", ours, idle, repeats=repeats,
        limit_is="granian with an application that does nothing, as many posts of as many events",
    )  # fmt: skip
    worst = asked.slowest(seen)
    note = (
        f"{kind}, {posts} posts of {events} each, {_CONNECTIONS} connections;"
        f" slowest p50 {worst.run.p50_milliseconds:.0f}, p99 {worst.run.p99_milliseconds:.0f} ms a post"
    )
    return replace(found, note=note, profile=worst.cost)


def _run(kind: str, posts: int, events: int) -> Seen:
    requests = list(_signed(posts, events))
    with _opened(kind) as there:
        head = f"POST {there.path} HTTP/1.1\r\nHost: localhost:{there.instance.port}\r\nUser-Agent: bench\r\n".encode()
        before = asked.spent(there.instance)
        run = load.each(
            "127.0.0.1", there.instance.port, (head + rest for rest in requests), status=200, connections=_CONNECTIONS
        )
        after = asked.spent(there.instance)
        if run.failed or run.answered != posts or there.kept() != posts:
            raise SystemExit(
                f"{run.answered} of {posts} posts were answered, {run.failed} wrongly; {there.kept()} kept"
            )
        return Seen(run, asked.cost(before, after, posts * events))


def _signed(posts: int, events: int) -> Iterator[bytes]:
    """Yield posts without their first lines, signed now; no two tell the same."""
    now, (delivered,) = datetime.now(UTC), esp_posts.payloads(_PROVIDER)["delivered"]
    for number in range(posts):
        told = [delivered | {"sg_event_id": f"{number}-{place}"} for place in range(events)]
        made = esp_posts.signed(_PROVIDER, json.dumps(told).encode(), now)
        headers = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
        yield (
            f"Content-Type: application/json\r\nContent-Length: {len(made.body)}\r\n{headers}\r\n".encode() + made.body
        )


@contextmanager
def _opened(kind: str) -> Iterator[_Open]:
    hooks = f"{_PROVIDER}={esp_posts.secret(_PROVIDER)}"
    with running_up.short_folder() as data, database(kind) as url:
        told = {"database_url": url} if url else {}
        made = settings_file.read(data=data, hooks=hooks, **told)
        with context.opened(made, create=True):
            with store.transaction() as session:
                cafe.found(session)
            path = esp_address.of("", _PROVIDER)
        port = running_up.free_port()
        with running_up.up(data, port=port, log_level="WARNING", workers="1", hooks=hooks, **told) as instance:
            running_up.until(lambda: bool(instance.of("work")))
            yield _Open(instance, data, url, path)
