"""Many doing one thing at the same moment: threads that wait for each other before the first step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def at_once(count: int, act: Callable[[int], Result]) -> list[Result]:
    """Call ``act(0)`` … ``act(count - 1)`` at the same moment; return what came of it, or raise the first error."""
    barrier = threading.Barrier(count)

    def step(number: int) -> Result:
        barrier.wait(30)
        return act(number)

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(step, range(count)))
