"""Facts wait for their reaction, bells are rung after the commit, strangers are counted."""

from __future__ import annotations

import re
from datetime import timedelta

import time_machine
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.foundation import outbox, throttle
from listkeeper.foundation.outbox import Fact, Lane
from listkeeper.foundation.throttle import ThrottleWindow

HOUR = timedelta(hours=1)


def _write(session: Session, count: int, lane: Lane = Lane.URGENT) -> list[int]:
    for number in range(count):
        outbox.write(session, "thing.happened", number, lane)
    session.flush()
    return list(session.scalars(select(Fact.id).where(Fact.lane == lane).order_by(Fact.id)))


def test_facts_wait_in_their_lane_oldest_first(session: Session) -> None:
    urgent, background = _write(session, 5), _write(session, 2, Lane.BACKGROUND)
    assert outbox.waiting(session, Lane.URGENT) == urgent
    assert outbox.waiting(session, Lane.URGENT, 2) == urgent[:2]
    assert outbox.waiting(session, Lane.URGENT, 2, after=urgent[1]) == urgent[2:4]
    assert outbox.waiting(session, Lane.BACKGROUND) == background
    assert outbox.waiting(session, Lane.SENDING) == []


def test_a_fact_is_reacted_to_once(session: Session) -> None:
    first, second = _write(session, 2)
    fact = outbox.claim(session, first)
    assert fact is not None
    outbox.done(fact)
    session.flush()
    assert outbox.claim(session, first) is None
    assert outbox.claim(session, 10**6) is None
    assert outbox.waiting(session, Lane.URGENT) == [second]


def test_five_failures_park_a_fact(session: Session) -> None:
    bad, good = _write(session, 2)
    for _ in range(outbox.TRIES):
        assert outbox.waiting(session, Lane.URGENT) == [bad, good]
        outbox.failed(session, bad)
    assert outbox.waiting(session, Lane.URGENT) == [good]
    assert session.get_one(Fact, bad).tries == outbox.TRIES == 5


def test_bells_are_rung_once_for_each_lane(session: Session) -> None:
    _write(session, 3)
    _write(session, 1, Lane.SENDING)
    assert outbox.rung_lanes(session) == {Lane.URGENT, Lane.SENDING}
    assert outbox.rung_lanes(session) == set()
    outbox.hush(session, Lane.URGENT)
    _write(session, 1)
    _write(session, 1, Lane.SENDING)
    outbox.hush(session, Lane.URGENT)
    assert outbox.rung_lanes(session) == {Lane.SENDING}


def test_old_facts_are_forgotten_and_waiting_ones_never(session: Session, frozen_clock: time_machine.Traveller) -> None:
    first, second, third = _write(session, 3)
    for number in (first, second):
        fact = outbox.claim(session, number)
        assert fact is not None
        outbox.done(fact)
        frozen_clock.shift(timedelta(days=1))
    frozen_clock.shift(timedelta(days=5, milliseconds=1))
    outbox.forget_old(session)
    session.expire_all()
    assert session.scalars(select(Fact.id).order_by(Fact.id)).all() == [second, third]
    frozen_clock.shift(timedelta(days=3_650))
    outbox.forget_old(session)
    assert session.scalars(select(Fact.id)).all() == [third]


# Brakes


def _use(session: Session, key: str = "192.0.2.1", name: str = "signup", limit: int = 3) -> bool:
    return throttle.allow(session, name, key, limit, HOUR)


def test_a_window_lets_so_many_through(session: Session, frozen_clock: time_machine.Traveller) -> None:
    assert [_use(session) for _ in range(5)] == [True, True, True, False, False]
    assert _use(session, key="192.0.2.2")
    assert _use(session, name="sign-in")
    frozen_clock.shift(HOUR - timedelta(milliseconds=1))
    assert not _use(session)
    frozen_clock.shift(timedelta(milliseconds=1))
    assert _use(session)


def test_the_key_itself_is_nowhere(session: Session) -> None:
    _use(session)
    (row,) = session.scalars(select(ThrottleWindow))
    assert re.fullmatch(r"[0-9a-f]{64}", row.key)
    assert (row.ends_at - row.starts_at, row.used) == (HOUR, 1)


def test_ended_windows_are_forgotten(session: Session, frozen_clock: time_machine.Traveller) -> None:
    _use(session)
    frozen_clock.shift(timedelta(minutes=30))
    throttle.forget_past(session)
    assert session.scalar(select(func.count()).select_from(ThrottleWindow)) == 1
    frozen_clock.shift(timedelta(minutes=30, milliseconds=1))
    throttle.forget_past(session)
    assert session.scalar(select(func.count()).select_from(ThrottleWindow)) == 0


def test_turns_are_taken_by_key(engine: Engine, session: Session) -> None:
    throttle.take_turns(session, "brake", "one")
    with Session(engine) as other:
        # Another key does not wait; were it the same, this test would hang and fail by its time limit.
        throttle.take_turns(other, "brake", "two")
        throttle.take_turns(other, "other", "one")
