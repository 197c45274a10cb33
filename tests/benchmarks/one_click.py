"""How many mail programs' unsubscribe buttons a second can be pressed, each leave committed before its answer.

performance.md section 5 asks for 500 a second: state, suppression and both rows of the ledger, on the disk. The jobs
that bring each into the journal run beside it. A run counts only when as many have left as were answered. Beside it,
in turns, the same server with an application that does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.benchmarks import asked, figure, load, read_letter, web
from tests.benchmarks.asked import Seen
from tests.benchmarks.figure import Figure
from tests.fakes import running_up

_CONNECTIONS = 16
_BODY = b"List-Unsubscribe=One-Click"
# What each leave must have left behind, and what the jobs have not come to yet.
_LEFT = (
    "SELECT count(*) FROM subscription WHERE state = 'unsubscribed'",
    "SELECT count(*) FROM suppression WHERE reason = 'unsub'",
    "SELECT count(*) FROM consent_event WHERE kind = 'consent.withdrawn' AND method = 'one_click'",
    "SELECT count(*) FROM ledger WHERE type IN ('consent.withdrawn', 'suppression.added') AND subject <> ''",
)
_NOT_IN_JOURNAL = "SELECT count(*) FROM suppression WHERE NOT journaled"


@dataclass(frozen=True)
class _Seen(Seen):
    """What one run of buttons found; ``behind`` are leaves that the journal lacked when the last was answered."""

    behind: int


def measure(name: str, *, repeats: int, full: bool) -> Figure:
    """Let some thousand people leave, again and again, in turns with the application that does nothing."""
    count = 15_000 if full else 4_000
    kind = "postgresql" if name.endswith("postgresql") else "sqlite"
    seen: list[_Seen] = []

    def ours() -> float:
        seen.append(_run(kind, count))
        return seen[-1].run.per_second

    def idle() -> float:
        with web.doing_nothing() as port:
            return load.get("127.0.0.1", port, "/", seconds=3).per_second

    found = figure.compare(
        name, "leaves/s", ours, idle, repeats=repeats,
        limit_is="granian with an application that does nothing, same load, same run",
    )  # fmt: skip
    worst = asked.slowest(seen)
    note = (
        f"{kind}, {count} people each, {_CONNECTIONS} connections;"
        f" slowest p50 {worst.run.p50_milliseconds:.0f}, p99 {worst.run.p99_milliseconds:.0f} ms;"
        f" not yet in the journal at the last answer {max(one.behind for one in seen)}"
    )
    return replace(found, note=note, profile=worst.cost)


def _run(kind: str, count: int) -> _Seen:
    with read_letter.read(kind, count) as read:
        port = read.instance.port
        head = (
            f"HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: bench\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(_BODY)}\r\n\r\n"
        )
        requests = (f"POST {path} {head}".encode() + _BODY for path in read.ways_out)
        before = asked.spent(read.instance)
        run = load.each("127.0.0.1", port, requests, status=200, connections=_CONNECTIONS)
        after = asked.spent(read.instance)
        behind, *left = read.numbers(_NOT_IN_JOURNAL, *_LEFT)
        if run.failed or run.answered != count or left != [count, count, count, 2 * count]:
            raise SystemExit(f"{run.answered} of {count} leaves were answered, {run.failed} wrongly; stored: {left}")
        running_up.until(lambda: read.numbers(_NOT_IN_JOURNAL) == (0,), 120)
        return _Seen(run, asked.cost(before, after, count), behind)
