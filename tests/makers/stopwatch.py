"""Whether two kinds of answers can be told apart by how long they take, as a statistician would try."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import combinations

SURE = 0.001


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """Return p of the two-sample Kolmogorov-Smirnov test: the smaller, the less alike the two distributions are."""
    left, right = sorted(one), sorted(other)
    apart = max(
        abs(bisect_right(left, value) / len(left) - bisect_right(right, value) / len(right)) for value in left + right
    )
    size = math.sqrt(len(left) * len(right) / (len(left) + len(right)))
    reach = (size + 0.12 + 0.11 / size) * apart
    if reach < 0.2:
        # The series does not converge here; they are as good as equal.
        return 1.0
    total = sum((1.0 if term % 2 else -1.0) * math.exp(-2 * (term * reach) ** 2) for term in range(1, 101))
    return min(1.0, max(0.0, 2 * total))


def told_apart(acts: dict[str, Callable[[int], object]], rounds: int) -> set[tuple[str, str]]:
    """Return which of these acts can be told from which by their time, in two trials one after the other.

    The acts take turns, so that whatever else the machine does meets all of them alike.
    """
    suspects = set(combinations(sorted(acts), 2))
    for trial in range(2):
        times = _measured(acts, rounds, trial * rounds)
        suspects = {(one, other) for one, other in suspects if likeness(times[one], times[other]) < SURE}
    return suspects


def _measured(acts: dict[str, Callable[[int], object]], rounds: int, start: int) -> dict[str, list[float]]:
    names = sorted(acts)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(start, start + rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            begun = time.perf_counter()
            acts[name](number)
            times[name].append(time.perf_counter() - begun)
    return times
