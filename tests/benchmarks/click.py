"""How many links of letters a second can be followed, each counted for good before the reader is led on.

performance.md section 5 asks for 1,500 a second with a p99 below 60 ms, the load on the same two cores. A run counts
only when the database holds as many visits as were answered, a tenth of them with the letter. Beside it, in turns, the
same server with an application that does nothing.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import figure, load, read_letter
from tests.benchmarks.figure import Figure
from tests.benchmarks.read_letter import Read
from tests.benchmarks.web import NOTHING, nothing, serving

_PEOPLE = 2_000
_CONNECTIONS = 16


@dataclass(frozen=True)
class _Seen:
    """What one run of links found."""

    per_second: float
    p50: float
    p99: float
    # Milliseconds of processor that each kind of process spent for each, this one's included.
    cost: dict[str, float]


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Follow links for some seconds, again and again, in turns with the application that does nothing."""
    seconds = 15.0 if full else 6.0
    kind = "postgresql" if name.endswith("postgresql") else "sqlite"
    seen: list[_Seen] = []
    with tempfile.TemporaryDirectory(prefix="lk-bench-") as text, read_letter.read(kind, _PEOPLE) as read:
        data = Path(text)
        (data / "nothing.py").write_text(NOTHING)
        with serving(nothing(), data) as port:

            def ours() -> float:
                seen.append(_run(read, seconds))
                return seen[-1].per_second

            found = figure.compare(
                name, "clicks/s", ours, lambda: load.get("127.0.0.1", port, "/", seconds=seconds / 2).per_second,
                repeats=repeats, limit_is="granian with an application that does nothing, same load, same run",
            )  # fmt: skip
    worst = max(seen, key=lambda one: one.p99)
    note = (
        f"{kind}, {seconds:.0f} s each, {_CONNECTIONS} connections; slowest p50 {worst.p50:.0f}, p99 {worst.p99:.0f} ms"
    )
    return Figure(**(found.as_dict() | {"note": note, "profile": worst.cost}))  # type: ignore[arg-type]


def _run(read: Read, seconds: float) -> _Seen:
    port = read.instance.port
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: Mozilla/5.0 (bench)\r\n\r\n".encode()
        for path in itertools.cycle(read.links)
    )
    counts = ("SELECT count(*) FROM link_visit", "SELECT count(delivery_id) FROM link_visit")
    had, before = read.numbers(*counts), read_letter.spent(read.instance)
    run = load.each("127.0.0.1", port, asked, status=302, connections=_CONNECTIONS, seconds=seconds)
    after = read_letter.spent(read.instance)
    if run.failed:
        raise SystemExit(f"{run.failed} links led nowhere")
    stored, hers = (now - then for now, then in zip(read.numbers(*counts), had, strict=True))
    # Who is last in the round may be counted once more than who is first.
    if stored != run.answered or abs(10 * hers - stored) > len(read.links):
        raise SystemExit(f"{run.answered} links were answered; {stored} visits are stored, {hers} with the letter")
    cost = {kind: round((after[kind] - before[kind]) * 1000 / run.answered, 3) for kind in after}
    return _Seen(run.per_second, run.p50_milliseconds, run.p99_milliseconds, cost)
