"""A worker's shift on a lane, in its log: how many mails came to which end, and how long it took. No address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from listkeeper.foundation import log
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.handing_over.transport import Accepted, Deferred, InDoubt, Outcome, Rejected

_log = log.get(__name__)
_ENDS: dict[type[object], str] = {
    Accepted: "accepted",
    Deferred: "deferred",
    Rejected: "failed",
    InDoubt: "in_doubt",
    type(None): "not_begun",
}
# From 500 on a server said no for good (RFC 5321 section 4.2.1); below it is a fault of ours, said by nobody.
_FOR_GOOD = 500
_now: Counter[str] = Counter()
# What servers refused for good since somebody last asked.
_refused: list[int] = []


@contextmanager
def on(lane: Lane) -> Iterator[None]:
    """Say in one line what became of the mails of the block; nothing when there were none."""
    _now.clear()
    begun = time.monotonic()
    try:
        yield
    finally:
        if _now:
            _log.info("lane.worked", lane=lane.value, **_now, seconds=_since(begun))


def settled(asked: int, outcomes: Mapping[int, Outcome | None], begun: float) -> None:
    """Count a window of ``asked`` mails, begun at that monotonic moment; those without an outcome were not granted."""
    ends = Counter(_ENDS[type(outcome)] for outcome in outcomes.values())
    ends["not_granted"] += asked - len(outcomes)
    ends = +ends
    _now.update(ends)
    _now.update(mails=asked, windows=1)
    _refused.extend(number for number, outcome in outcomes.items() if _is_refusal(outcome))
    _log.debug("window.settled", mails=asked, **ends, seconds=_since(begun))


def _is_refusal(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Rejected) and outcome.reply.code >= _FOR_GOOD


def refused() -> list[int]:
    """Return which deliveries were refused for good since this was last asked."""
    taken = _refused[:]
    _refused.clear()
    return taken


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
