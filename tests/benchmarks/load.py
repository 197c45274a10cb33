"""A load generator of plain HTTP/1.1 GETs on connections that stay open: small, so that it leaves the cores to us."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Load:
    """What a run of requests found."""

    per_second: float
    p95_milliseconds: float
    failed: int


@dataclass
class _Run:
    until: float
    request: bytes
    took: list[float] = field(default_factory=list)
    failed: int = 0


def get(host: str, port: int, path: str, *, connections: int = 8, seconds: float = 4.0) -> Load:
    """Ask for one path as fast as the connections allow."""
    return asyncio.run(_run(host, port, path, connections, seconds))


async def _run(host: str, port: int, path: str, connections: int, seconds: float) -> Load:
    run = _Run(
        time.perf_counter() + seconds,
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n".encode(),
    )
    start = time.perf_counter()
    await asyncio.gather(*(_ask(host, port, run) for _ in range(connections)))
    lasted = time.perf_counter() - start
    took = sorted(run.took)
    return Load(len(took) / lasted, took[int(len(took) * 0.95)] * 1000 if took else 0.0, run.failed)


async def _ask(host: str, port: int, run: _Run) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    while (begun := time.perf_counter()) < run.until:
        writer.write(run.request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        run.took.append(time.perf_counter() - begun)
        if not head.startswith(b"HTTP/1.1 200"):
            run.failed += 1
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    raise ValueError("an answer without a length")
