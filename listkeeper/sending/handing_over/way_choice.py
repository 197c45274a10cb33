"""Which way a mail takes: by its sending domain, then by lot, and the lot is drawn from what the mail is about.

So one occasion draws the same ways in the same order on every machine and at
every try, and the shares come out as the weights say. Where a way is away, the
second way of each of its mails carries it: its share goes to the others, again
by weight.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

from listkeeper.sending.handing_over.way import Way

# A mail that was put off as often as this may be put off because of the way.
_TRIES_A_WAY = 2


def fitting(ways: Sequence[Way], from_domain: str) -> list[Way]:
    """Return the ways that may carry mail from a domain (A-label): those that name it, else those that name none."""
    own = [way for way in ways if from_domain.lower() in way.domains]
    return own or [way for way in ways if not way.domains]


def in_order(ways: Sequence[Way], occasion: str, tries: int) -> list[Way]:
    """Return ways as a mail prefers them; after every second try another one comes first, and spares stay last."""
    drawn = sorted((way for way in ways if way.weight), key=lambda way: _ticket(way, occasion) / way.weight)
    spare = sorted((way for way in ways if not way.weight), key=lambda way: _ticket(way, occasion))
    turned = (tries // _TRIES_A_WAY) % len(drawn) if drawn else 0
    return [*drawn[turned:], *drawn[:turned], *spare]


def _ticket(way: Way, occasion: str) -> float:
    """Return an exponential variate; the smallest of them, each over its weight, wins in proportion to the weights."""
    drawn = hashlib.blake2b(f"{way.name}\n{occasion}".encode(), digest_size=8).digest()
    return -math.log((int.from_bytes(drawn, "big") + 0.5) / 2**64)
