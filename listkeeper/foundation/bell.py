"""A bell that is rung at once, and then not again for a moment: whoever hears it looks at all that waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from listkeeper.foundation.outbox import Lane

# Each ring is a job of a worker, which by then finds what dozens have written in the meantime.
EVERY_SECONDS = 0.2
Ring = Callable[[set[Lane]], None]


class Bell:
    """One process's bell; what is asked for too soon after a ring is rung for once, when its time has come."""

    def __init__(self, ring: Ring, every: float = EVERY_SECONDS) -> None:
        self._ring = ring
        self._every = every
        self._lock = threading.Lock()
        self._owed: set[Lane] = set()
        self._rung_at = -every
        self._is_set = False

    def ring_soon(self, lanes: Iterable[Lane]) -> None:
        """Ring for these lanes, now or within ``every`` seconds."""
        with self._lock:
            self._owed |= set(lanes)
            wait = self._rung_at + self._every - time.monotonic()
            if not self._owed or self._is_set:
                return
            self._is_set = wait > 0
        if wait > 0:
            clockwork = threading.Timer(wait, self._ring_owed)
            # A process that ends waits for none: the timetable looks as well.
            clockwork.daemon = True
            clockwork.start()
        else:
            self._ring_owed()

    def ring_no_more(self) -> None:
        """Ring not even for what is owed: whoever would hear it is gone."""
        with self._lock:
            self._owed.clear()

    def _ring_owed(self) -> None:
        with self._lock:
            lanes, self._owed = self._owed, set()
            self._is_set, self._rung_at = False, time.monotonic()
        if lanes:
            self._ring(lanes)
