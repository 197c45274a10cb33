"""Whoever asks whose door it is goes on asking, whatever goes wrong: nobody else would part with the silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from listkeeper.foundation.errors import TryAgain
from listkeeper.mailroom.dialogue import Door
from listkeeper.mailroom.door import Doorman


@pytest.mark.parametrize("problem", [TryAgain("database", "It is away."), RuntimeError("a fault of ours")])
def test_a_door_that_cannot_be_known_is_closed_for_now(problem: Exception) -> None:
    @contextmanager
    def context() -> Iterator[None]:
        raise problem
        yield

    doorman = Doorman("bounce.cafe.example", context)
    doorman.look()
    assert doorman.asked("postmaster@bounce.cafe.example") is Door.CLOSED
