"""A load generator of plain HTTP/1.1 on connections that stay open: small, so that it leaves the cores to us."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Load:
    """What a run of requests found."""

    per_second: float
    p50_milliseconds: float
    p95_milliseconds: float
    p99_milliseconds: float
    answered: int
    failed: int


@dataclass
class _Run:
    until: float
    # The requests one by one; when there are no more, the run ends.
    requests: Iterator[bytes]
    # When the next request is due: at once, or at the pace that was asked for.
    due: Iterator[float]
    status: bytes = b"200"
    took: list[float] = field(default_factory=list)
    failed: int = 0


def get(
    host: str, port: int, path: str, *, connections: int = 8, seconds: float = 4.0, pace: float | None = None
) -> Load:
    """Ask for one path as fast as the connections allow, or ``pace`` times a second.

    With a pace, a request that had to wait for the ones before it has waited: its time begins when it was due.
    """
    asked = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n".encode()
    return asyncio.run(_run(host, port, itertools.repeat(asked), connections, seconds, pace))


def post(
    host: str, port: int, path: str, body: Callable[[int], bytes], *, connections: int = 8, seconds: float = 4.0
) -> Load:
    """Post forms, each with the body of its number, as fast as the connections allow."""
    numbers = itertools.count(1)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\nUser-Agent: bench\r\n"
        f"Origin: http://localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    )

    def make() -> bytes:
        content = body(next(numbers))
        return f"{head}{len(content)}\r\n\r\n".encode() + content

    return asyncio.run(_run(host, port, (make() for _ in itertools.count()), connections, seconds))


def each(
    host: str, port: int, requests: Iterable[bytes], *, status: int, connections: int = 8, seconds: float = 600.0
) -> Load:
    """Send each of these requests once, as fast as the connections allow; all shall be answered with ``status``."""
    return asyncio.run(_run(host, port, iter(requests), connections, seconds, status=status))


async def _run(  # noqa: PLR0917 - where, what, how hard and how long
    host: str,
    port: int,
    requests: Iterator[bytes],
    connections: int,
    seconds: float,
    pace: float | None = None,
    *,
    status: int = 200,
) -> Load:
    start = time.perf_counter()
    due = (start + number / pace for number in itertools.count()) if pace else itertools.repeat(0.0)
    run = _Run(start + seconds, requests, due, str(status).encode())
    await asyncio.gather(*(_ask(host, port, run) for _ in range(connections)))
    lasted = time.perf_counter() - start
    took = sorted(run.took)
    p50, p95, p99 = (took[int(len(took) * part)] * 1000 if took else 0.0 for part in (0.5, 0.95, 0.99))
    return Load(len(took) / lasted, p50, p95, p99, len(took), run.failed)


async def _ask(host: str, port: int, run: _Run) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while True:
        due = next(run.due)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begun = due or time.perf_counter()
        asked = next(run.requests, b"") if begun < run.until else b""
        if not asked:
            break
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        run.took.append(time.perf_counter() - begun)
        if not head.startswith(b"HTTP/1.1 " + run.status):
            run.failed += 1
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    raise ValueError("an answer without a length")
