"""How many links of letters a second can be followed, each counted for good before the reader is led on.

performance.md section 5 asks for 1,500 a second with a p99 below 60 ms, the load on the same two cores. A run counts
only when the database holds as many visits as were answered, a tenth of them with the letter. Beside it, in turns, the
same server with an application that does nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from tests.benchmarks import asked, figure, load, read_letter, web
from tests.benchmarks.asked import Seen
from tests.benchmarks.figure import Figure
from tests.benchmarks.read_letter import Read

_PEOPLE = 2_000
_CONNECTIONS = 16


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Follow links for some seconds, again and again, in turns with the application that does nothing."""
    seconds = 15.0 if full else 6.0
    kind = "postgresql" if name.endswith("postgresql") else "sqlite"
    seen: list[Seen] = []
    with read_letter.read(kind, _PEOPLE) as read, web.doing_nothing() as port:

        def ours() -> float:
            seen.append(_run(read, seconds))
            return seen[-1].run.per_second

        found = figure.compare(
            name, "clicks/s", ours, lambda: load.get("127.0.0.1", port, "/", seconds=seconds / 2).per_second,
            repeats=repeats, limit_is="granian with an application that does nothing, same load, same run",
        )  # fmt: skip
    worst = asked.slowest(seen)
    note = (
        f"{kind}, {seconds:.0f} s each, {_CONNECTIONS} connections;"
        f" slowest p50 {worst.run.p50_milliseconds:.0f}, p99 {worst.run.p99_milliseconds:.0f} ms"
    )
    return replace(found, note=note, profile=worst.cost)


def _run(read: Read, seconds: float) -> Seen:
    port = read.instance.port
    requests = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: Mozilla/5.0 (bench)\r\n\r\n".encode()
        for path in itertools.cycle(read.links)
    )
    counts = ("SELECT count(*) FROM link_visit", "SELECT count(delivery_id) FROM link_visit")
    had, before = read.numbers(*counts), asked.spent(read.instance)
    run = load.each("127.0.0.1", port, requests, status=302, connections=_CONNECTIONS, seconds=seconds)
    after = asked.spent(read.instance)
    if run.failed:
        raise SystemExit(f"{run.failed} links led nowhere")
    stored, hers = (now - then for now, then in zip(read.numbers(*counts), had, strict=True))
    # Who is last in the round may be counted once more than who is first.
    if stored != run.answered or abs(10 * hers - stored) > len(read.links):
        raise SystemExit(f"{run.answered} links were answered; {stored} visits are stored, {hers} with the letter")
    return Seen(run, asked.cost(before, after, run.answered))
