"""Standing in line for an act that several threads ask for at once: one of them leads, and does it for all who wait.

Nothing here knows what is done (``store.shared``): only who waits, who leads,
and for how long it is worth waiting for more of them.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

MOST_TOGETHER = 16


class Turn:
    """One item that waits to be dealt with, and what it came to."""

    def __init__(self, item: Any) -> None:  # noqa: ANN401 - its act knows what it is
        self.item = item
        self.came_to: Any = None
        self.problem: BaseException | None = None
        # It is called to lead, or because it is done; a bare lock, because an event takes three times as long.
        self.leads = False
        self._called = threading.Lock()
        self._called.acquire()

    def wait(self) -> None:
        """Wait to be called."""
        self._called.acquire()

    def call(self, *, to_lead: bool) -> None:
        """Let it go on, to lead or because it is done."""
        self.leads = to_lead
        self._called.release()

    def value(self) -> Any:  # noqa: ANN401 - as its item
        """Return what it came to. Raises what went wrong."""
        if self.problem is not None:
            raise self.problem
        return self.came_to


class Line:
    """Those who wait for the same act; one of them leads."""

    def __init__(self) -> None:
        self._lock = threading.Condition(threading.Lock())
        self._waiting: deque[Turn] = deque()
        self._is_led = False
        # How many went together the last time, and how many are waited for now.
        self._went = 0
        self._expected = 0

    def joined(self, turn: Turn) -> bool:
        """Stand in line; True for whoever is to lead at once, because nobody does."""
        with self._lock:
            self._waiting.append(turn)
            turn.leads, self._is_led = not self._is_led, True
            if turn.leads:
                self._expect(self._went)
            elif len(self._waiting) == self._expected:
                self._lock.notify()
        return turn.leads

    def gather(self, seconds: float) -> None:
        """Wait up to so long until as many are here as went together the last time."""
        with self._lock:
            self._lock.wait_for(lambda: len(self._waiting) >= self._expected, seconds)
            self._expected = 0

    def taken(self, most: int = MOST_TOGETHER) -> list[Turn]:
        """Take those who have waited longest."""
        with self._lock:
            self._went = min(most, len(self._waiting))
            return [self._waiting.popleft() for _ in range(self._went)]

    def hand_on(self) -> None:
        """Let the next in line lead, if there is one."""
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._is_led:
                # Those who are about to be answered may well come again at once.
                self._expect(len(self._waiting) + self._went)
                self._waiting[0].call(to_lead=True)

    def _expect(self, number: int) -> None:
        self._expected = min(number, MOST_TOGETHER)
