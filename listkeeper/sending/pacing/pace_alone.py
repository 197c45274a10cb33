"""Pace without the queue server: what one worker may do by itself until it is back.

Conservative, because nobody knows what the others do: an eighth of each rate
that is set, as if eight workers were at it; where none is set, 5 mails a second
to one receiver. A receiver that had asked for less gets an eighth of that, and
one that had shut its door is left alone until it opens.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from listkeeper.foundation import clock

if TYPE_CHECKING:
    from listkeeper.sending.pacing.pace import Limits

_WORKERS = 8
_WITHOUT_LIMIT = 5.0
_MOMENT = 1.0


class Alone:
    """The buckets of one process, by its own steady clock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def reserve(
        self, rows: Sequence[tuple[int, str]], limits: Limits, remembered: Mapping[str, Mapping[str, float]]
    ) -> dict[int, datetime]:
        """Return when those rows come back that must wait."""
        steady, now = time.monotonic(), clock.now()
        waits: dict[int, datetime] = {}
        turned_away = 0
        for row, provider in rows:
            state = remembered.get(provider, {})
            until = state.get("shut", 0.0) - now.timestamp()
            rates = [rate for rate in (limits.of(provider), state.get("rate", 0.0)) if rate]
            pace = min(rates) / _WORKERS if rates else _WITHOUT_LIMIT
            way = limits.transport / _WORKERS if limits.transport else 0.0
            slot = max(self._slot(provider, steady), self._slot("", steady) if way else steady)
            if until > 0 or "held" in state or slot - steady > _MOMENT:
                # Looked at again soon: the server may be back.
                turned_away += 1
                waits[row] = now + timedelta(seconds=max(until, slot - steady, _MOMENT) + 0.1 * turned_away)
                continue
            self._next[provider] = self._slot(provider, steady) + 1 / pace
            if way:
                self._next[""] = self._slot("", steady) + 1 / way
        return waits

    def _slot(self, name: str, steady: float) -> float:
        return max(self._next.get(name, steady), steady)
