"""Several doing something at the same moment: threads that wait for each other before the first step."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from listkeeper.foundation.errors import TryAgain

Result = TypeVar("Result")
_TRIES = 5
# Seconds that the first one's transaction stays open at the least, once the second may begin.
_STAYS_OPEN = 0.49


class _Inside(threading.Event):
    """Says that a transaction is open, and knows since when."""

    at = 0.0

    def set(self) -> None:
        self.at = time.monotonic()
        super().set()


def at_once(count: int, act: Callable[[int], Result]) -> list[Result]:
    """Call ``act(0)`` … ``act(count - 1)`` at the same moment; return what came of it, or raise the first error.

    SQLite lets its writers in without an order; whom it kept out for too long has changed nothing and tries again.
    """
    barrier = threading.Barrier(count)

    def step(number: int) -> Result:
        barrier.wait(60)
        for _ in range(_TRIES):
            with contextlib.suppress(TryAgain):
                return act(number)
        return act(number)

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(step, range(count)))


def second_waits_for_first(first: Callable[[threading.Event], None], second: Callable[[], None]) -> None:
    """Run both; the second begins while the first one's transaction is open, and must not end before it does.

    ``first`` keeps its transaction open for half a second from when it sets its event. Who of the two comes out of its
    commit first is no matter of ours: the second may be done before the first one's thread has its turn again.
    """
    inside, ended = _Inside(), []

    def begin() -> None:
        first(inside)

    def follow() -> None:
        inside.wait(20)
        second()
        ended.append(time.monotonic())

    faults: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as fault:  # noqa: BLE001 - raised below
            faults.append(fault)
            inside.set()

    threads = [threading.Thread(target=run, args=(act,)) for act in (begin, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if faults:
        raise faults[0]
    assert [ended_at - inside.at >= _STAYS_OPEN for ended_at in ended] == [True]
