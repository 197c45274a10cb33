"""Garbage: how often a process looks for what only a search finds.

Python looks through young objects after every few hundred new ones and through
all of the program now and then. Neither a letter nor a row of an import leaves
anything behind that needs a search, so a worker is searched seldom, and what
was loaded at its start never.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# New objects between two looks, looks between two at the middle-aged, and those between two at all.
_SELDOM = (50_000, 20, 50)
_is_settled = [False]


def settle() -> None:
    """Leave what this process has loaded out of every look from now on, and look at the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    _is_settled[0] = True


@contextmanager
def undisturbed() -> Iterator[Callable[[], object]]:
    """Look at nothing within the block but where its code says so; yields what looks at the new."""
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()
        if _is_settled[0]:
            settle()
