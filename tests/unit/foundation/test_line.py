"""Standing in line: one leads at a time, nobody is passed over, and a leader waits only for those who may come."""

from __future__ import annotations

import threading
import time

import pytest

from listkeeper.foundation.line import MOST_TOGETHER, Line, Turn

_LONG = 30.0


def _joined(line: Line, count: int) -> list[Turn]:
    turns = [Turn(number) for number in range(count)]
    for turn in turns:
        line.joined(turn)
    return turns


def test_the_first_leads_and_hands_on_to_whoever_has_waited_longest() -> None:
    line = Line()
    turns = _joined(line, MOST_TOGETHER + 2)
    assert [turn.leads for turn in turns] == [True] + [False] * (MOST_TOGETHER + 1)
    assert line.taken() == turns[:MOST_TOGETHER]
    line.hand_on()
    turns[MOST_TOGETHER].wait()
    assert [turn.leads for turn in turns[MOST_TOGETHER:]] == [True, False]
    assert line.taken() == turns[MOST_TOGETHER:]
    line.hand_on()
    assert line.joined(Turn(0))


def test_a_turn_tells_what_it_came_to_and_what_went_wrong() -> None:
    done, failed = Turn(1), Turn(2)
    done.came_to, failed.problem = "done", ValueError("mine")
    for turn in (done, failed):
        turn.call(to_lead=False)
        turn.wait()
    assert done.value() == "done"
    with pytest.raises(ValueError, match="mine"):
        failed.value()


def _gathered(line: Line) -> float:
    begun = time.monotonic()
    line.gather(_LONG)
    return time.monotonic() - begun


def test_whoever_went_alone_waits_for_nobody() -> None:
    line = Line()
    for _ in range(3):
        _joined(line, 1)
        assert _gathered(line) < _LONG / 2
        assert len(line.taken()) == 1
        line.hand_on()


def test_a_leader_waits_for_as_many_as_came_the_last_time_and_no_longer_than_that() -> None:
    line = Line()
    _joined(line, 3)
    line.taken()
    line.hand_on()
    _joined(line, 1)
    others = threading.Timer(0.05, _joined, (line, 2))
    others.start()
    # It is let go on by the last of them, long before its time is up.
    assert _gathered(line) < _LONG / 2
    others.join()
    assert len(line.taken()) == 3
    line.hand_on()
    _joined(line, 1)
    begun = time.monotonic()
    line.gather(0.05)
    assert time.monotonic() - begun >= 0.04
    assert len(line.taken()) == 1


def test_nobody_is_waited_for_who_has_no_room() -> None:
    line = Line()
    _joined(line, MOST_TOGETHER * 2)
    line.taken()
    line.hand_on()
    # As many wait as go together; those who were taken may come again, and go with the next.
    assert _gathered(line) < _LONG / 2
    assert len(line.taken()) == MOST_TOGETHER
