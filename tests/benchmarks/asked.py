"""What a run of requests to a running instance found, and what each of them cost in processor time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.load import Load
from tests.fakes.running_up import Running


@dataclass(frozen=True)
class Seen:
    """What one run found."""

    run: Load
    # Milliseconds of processor that each kind of process spent for each request, this one's included.
    cost: dict[str, float]


_Seen = TypeVar("_Seen", bound=Seen)


def slowest(seen: Sequence[_Seen]) -> _Seen:
    """Return the run that kept its last hundredth waiting for longest."""
    return max(seen, key=lambda one: one.run.p99_milliseconds)


def spent(instance: Running) -> dict[str, float]:
    """Return the seconds of processor that each kind of process has used so far (proc(5), fields 14 and 15)."""
    found = {"load": sum(os.times()[:2])}
    for noun in ("web", "work", "catch", "valkey"):
        ticks = 0
        for pid in instance.of(noun):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        found[noun] = ticks / os.sysconf("SC_CLK_TCK")
    return found


def cost(before: dict[str, float], after: dict[str, float], requests: int, *, digits: int = 3) -> dict[str, float]:
    """Return what each request cost between two looks at what was ``spent``, in milliseconds."""
    return {noun: round((after[noun] - before[noun]) * 1000 / requests, digits) for noun in after}
