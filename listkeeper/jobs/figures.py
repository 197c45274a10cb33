"""Figures of large letters, counted again as they grow old: often while they are young, a few at a time."""

from __future__ import annotations

import time

from listkeeper import store
from listkeeper.campaigns.campaign import Campaign
from listkeeper.feedback import letter_figures

# No longer than this at once, so that other work of the lane is not kept waiting.
_SECONDS = 20.0


def look() -> None:
    """Count the letters whose time has come; what was counted is stored in a short transaction of its own."""
    with store.transaction() as session:
        letter_figures.forget_gone(session)
        numbers = list(letter_figures.due(session))
    until = time.monotonic() + _SECONDS
    for number in numbers:
        if time.monotonic() >= until:
            return
        with store.reading() as session:
            letter = session.get(Campaign, number)
            found = letter_figures.count(session, letter) if letter is not None else None
        if found is not None:
            with store.transaction() as session:
                letter_figures.keep(session, number, found)
