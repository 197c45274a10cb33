"""When to try again: longer and longer waits, with jitter, up to a deadline."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

_WAITS = (1, 5, 15, 30, 60, 120, 240)
DEADLINES = {"urgent": timedelta(hours=24), "sending": timedelta(hours=72), "background": timedelta(hours=72)}


def next_attempt(attempts: int, now: datetime, draw: random.Random | None = None) -> datetime:
    """Return when attempt number ``attempts + 1`` is due: 1 to 240 minutes later, give or take a fifth."""
    minutes = _WAITS[min(max(attempts, 1), len(_WAITS)) - 1]
    jitter = (draw or random).uniform(0.8, 1.2)
    return now + timedelta(minutes=minutes * jitter)


def overdue(created_at: datetime, lane: str, now: datetime) -> bool:
    """Return whether a delivery has been tried for long enough."""
    return now - created_at > DEADLINES[lane]
