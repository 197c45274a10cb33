"""A bell is rung at once, then not again for a moment, and none who asked is forgotten."""

from __future__ import annotations

import threading

import pytest

from listkeeper.foundation.bell import Bell
from listkeeper.foundation.outbox import Lane


class _Heard:
    def __init__(self) -> None:
        self.rings: list[set[Lane]] = []
        self.often_enough = threading.Event()

    def ring(self, lanes: set[Lane]) -> None:
        self.rings.append(lanes)
        if len(self.rings) == 2:
            self.often_enough.set()


def test_the_first_is_rung_at_once_and_all_that_follow_it_together() -> None:
    heard = _Heard()
    bell = Bell(heard.ring, every=1.0)
    bell.ring_soon({Lane.URGENT})
    assert heard.rings == [{Lane.URGENT}]
    for lane in (Lane.BACKGROUND, Lane.URGENT, Lane.BACKGROUND):
        bell.ring_soon({lane})
    assert len(heard.rings) == 1
    assert heard.often_enough.wait(10)
    assert heard.rings[1] == {Lane.URGENT, Lane.BACKGROUND}


def test_nothing_is_rung_for_nobody_and_each_is_rung_for_where_there_is_time() -> None:
    heard = _Heard()
    bell = Bell(heard.ring, every=0.0)
    bell.ring_soon(set())
    for lane in Lane:
        bell.ring_soon({lane})
    assert heard.rings == [{lane} for lane in Lane]


def test_a_bell_that_failed_is_rung_again_by_the_next() -> None:
    """Whoever rings swallows what it expects; what it does not must not silence the bell for ever."""
    asked: list[set[Lane]] = []

    def ring(lanes: set[Lane]) -> None:
        asked.append(lanes)
        if len(asked) == 1:
            raise RuntimeError("no such rope")

    bell = Bell(ring, every=0.0)
    with pytest.raises(RuntimeError):
        bell.ring_soon({Lane.URGENT})
    bell.ring_soon({Lane.URGENT})
    assert asked == [{Lane.URGENT}, {Lane.URGENT}]


def test_a_bell_that_rings_no_more_is_silent_about_what_it_owes() -> None:
    heard = _Heard()
    bell = Bell(heard.ring, every=0.05)
    bell.ring_soon({Lane.URGENT})
    bell.ring_soon({Lane.SENDING})
    bell.ring_no_more()
    assert not heard.often_enough.wait(0.2)
    assert heard.rings == [{Lane.URGENT}]
