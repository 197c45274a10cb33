"""The link that renews a consent: it names the person and the list, leads to a page with a button, and ends by itself.

It needs no row: a person or a list that is gone leads nowhere. It gives nothing
by being opened; only the button of its page does (``renewal``).
"""

from __future__ import annotations

from datetime import timedelta

from listkeeper.foundation import clock, signing

LASTS = timedelta(days=60)
_PURPOSE = "renewal"
_NUMBERS = 2


def token_of(subscriber_id: int, list_id: int) -> str:
    """Return the token of one person and one list."""
    return signing.passing(_PURPOSE, (subscriber_id, list_id), clock.now() + LASTS)


def read(text: str) -> tuple[int, int] | None:
    """Return the person and the list that a token names; None when it is not ours, or has ended."""
    found = signing.read_passing(_PURPOSE, text, _NUMBERS, clock.now())
    return (found[0], found[1]) if found is not None else None
