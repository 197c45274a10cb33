"""Garbage: how often a process that works for hours looks for what only a search finds.

Python looks through young objects after every few hundred new ones and through
all of the program now and then. A letter leaves nothing behind that needs a
search, so a worker is searched seldom, and what was loaded at its start never.
"""

from __future__ import annotations

import gc

# New objects between two looks, looks between two at the middle-aged, and those between two at all.
_SELDOM = (50_000, 20, 50)


def settle() -> None:
    """Leave what this process has loaded out of every look from now on, and look at the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
