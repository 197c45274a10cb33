"""How many posts were turned away at the door of the providers, counted on the queue server for all web servers.

It begins again from nothing when the queue server does, as such numbers may.
"""

from __future__ import annotations

import contextlib

import redis
from rq.utils import as_text

from listkeeper import parts

_REFUSED = "listkeeper:hooks-refused"


def note(provider: str) -> None:
    """Count one; what cannot be counted is turned away all the same."""
    with contextlib.suppress(redis.RedisError):
        parts.queue_server().hincrby(_REFUSED, provider, 1)


def refused() -> dict[str, int]:
    """Return how many were turned away, by the provider that they named. Raises redis.RedisError."""
    return {as_text(name): int(number) for name, number in parts.queue_server().hgetall(_REFUSED).items()}
