"""When to try again, and for how long: by what was said, by the attempt, and never all at the same moment."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import reply_class
from listkeeper.foundation import clock
from listkeeper.sending import retry
from listkeeper.sending.retry import Deadlines

GREYLISTED = "450 4.2.0 Greylisted"


def _waits(attempts: int, said: str | None) -> list[float]:
    now, draw = clock.now(), random.Random(7)
    verdict = reply_class.classify(None, None, said) if said else None
    return [(retry.next_attempt(attempts, now, verdict, draw) - now) / timedelta(minutes=1) for _ in range(50)]


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        (None, [1, 1, 5, 15, 30, 60, 120, 240, 240]),
        ("451 4.3.0 not now", [1, 1, 5, 15, 30, 60, 120, 240, 240]),
        (GREYLISTED, [6, 6, 10, 20, 40, 60, 120, 240, 240]),
        ("450 4.7.0 rate limit exceeded", [5, 5, 10, 20, 40, 80, 160, 240, 240]),
        ("452 4.2.2 mailbox full", [60, 60, 120, 240, 480, 480, 480, 480, 480]),
        ("450 4.7.1 blocked using zen.spamhaus.org", [15, 15, 30, 60, 120, 240, 240, 240, 240]),
    ],
)
def test_waits_grow_by_what_was_said(said: str | None, minutes: list[int]) -> None:
    for attempts, expected in enumerate(minutes):
        waits = _waits(attempts, said)
        assert min(waits) >= 0.9 * expected
        assert max(waits) <= 1.2 * expected
        assert len(set(waits)) > 10, "rows deferred together must not come back together"
    assert _waits(99, said)[0] >= 0.9 * minutes[-1]


def test_nobody_comes_back_to_a_greylist_within_five_minutes() -> None:
    assert min(_waits(1, GREYLISTED)) >= 5


def test_each_class_has_its_deadline() -> None:
    usual = retry.USUAL
    assert {usual.of(kind) for kind in MessageClass if kind is not MessageClass.MARKETING} == {timedelta(hours=24)}
    assert usual.of(MessageClass.MARKETING) == timedelta(hours=72)
    assert Deadlines(timedelta(hours=1), {}).of(MessageClass.MARKETING) == timedelta(hours=1)


def test_a_message_is_tried_to_its_deadline_from_its_first_try_and_a_few_times_at_least() -> None:
    now, day = clock.now(), timedelta(hours=24)
    assert not retry.overdue(now - day, 4, now, day)
    assert retry.overdue(now - day - timedelta(milliseconds=1), 4, now, day)
    assert not retry.overdue(now - 10 * day, 3, now, day)
    assert not retry.overdue(None, 99, now, day)
