"""Counting what strangers do, and what counts once; both end by themselves."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.foundation import clock, once, throttle
from listkeeper.foundation.once import Spent
from listkeeper.foundation.throttle import ThrottleWindow

HOUR = timedelta(hours=1)


def test_what_is_refused_is_not_counted(session: Session, frozen_clock: time_machine.Traveller) -> None:
    taken = [throttle.take(session, "x", "key", 2, HOUR) for _ in range(5)]
    assert taken == [True, True, False, False, False]
    assert session.scalars(select(ThrottleWindow.used)).all() == [2]
    assert throttle.take(session, "x", "other", 2, HOUR)
    assert throttle.take(session, "y", "key", 2, HOUR)
    frozen_clock.shift(HOUR)
    assert throttle.take(session, "x", "key", 2, HOUR)


def test_several_are_taken_as_far_as_there_is_room(session: Session, frozen_clock: time_machine.Traveller) -> None:
    assert [throttle.take_some(session, "x", "key", wanted, 10, HOUR) for wanted in (4, 4, 4, 4)] == [4, 4, 2, 0]
    assert session.scalars(select(ThrottleWindow.used)).all() == [10]
    assert throttle.take_some(session, "x", "one", 1, 10, HOUR) == 1


def test_what_is_spent_is_spent_until_it_would_be_void(session: Session, frozen_clock: time_machine.Traveller) -> None:
    until = clock.now() + HOUR
    assert [once.spend(session, "ticket", "a", until) for _ in range(3)] == [True, False, False]
    assert once.spend(session, "proof", "a", until)
    once.forget_past(session)
    assert session.scalar(select(func.count()).select_from(Spent)) == 2
    frozen_clock.shift(HOUR + timedelta(seconds=1))
    once.forget_past(session)
    assert session.scalar(select(func.count()).select_from(Spent)) == 0
