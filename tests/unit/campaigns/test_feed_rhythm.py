"""When a feed is looked at: by the clocks of the business, also when those change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.campaigns import feed_rhythm
from listkeeper.campaigns.feed_rhythm import Cadence, Rhythm
from listkeeper.foundation.errors import Invalid

COPENHAGEN = "Europe/Copenhagen"


def _utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc] # year, month, day and the rest


@pytest.mark.parametrize(
    ("moment", "turn"),
    [
        (_utc(2026, 11, 23, 7, 59), _utc(2026, 11, 23, 8)),
        (_utc(2026, 11, 23, 8), _utc(2026, 11, 24, 8)),
        # In the night to 28 March 2027 the clocks go forward: nine is an hour earlier then.
        (_utc(2027, 3, 27, 9), _utc(2027, 3, 28, 7)),
        # Half past eleven at night of Copenhagen is the same day there and here; half past midnight is not.
        (_utc(2026, 11, 23, 23, 30), _utc(2026, 11, 24, 8)),
    ],
)
def test_every_day_comes_at_its_hour(moment: datetime, turn: datetime) -> None:
    assert Rhythm(Cadence.DAILY, 0, 9).after(moment, COPENHAGEN) == turn


def test_an_hour_that_the_clocks_leap_over_comes_all_the_same() -> None:
    turn = Rhythm(Cadence.DAILY, 0, 2).after(_utc(2027, 3, 27, 12), COPENHAGEN)
    assert turn.date() == _utc(2027, 3, 28).date()


def test_once_a_week_is_on_its_day() -> None:
    friday = Rhythm(Cadence.WEEKLY, 4, 9)
    assert friday.after(_utc(2026, 11, 23, 12), COPENHAGEN) == _utc(2026, 11, 27, 8)
    assert friday.after(_utc(2026, 11, 27, 8), COPENHAGEN) == _utc(2026, 12, 4, 8)
    assert friday.before(_utc(2026, 11, 27, 8), COPENHAGEN) == _utc(2026, 11, 27, 8)
    assert friday.before(_utc(2026, 11, 27, 7), COPENHAGEN) == _utc(2026, 11, 20, 8)


@given(
    st.sampled_from(Cadence), st.integers(0, 6), st.integers(0, 23), st.datetimes(_utc(2026, 1, 1).replace(tzinfo=None),
    _utc(2031, 1, 1).replace(tzinfo=None)), st.sampled_from([COPENHAGEN, "America/New_York", "Asia/Kathmandu", "UTC"]),
)  # fmt: skip
def test_turns_lie_around_every_moment(cadence: Cadence, weekday: int, hour: int, at: datetime, zone: str) -> None:
    rhythm, moment = Rhythm(cadence, weekday, hour), at.replace(tzinfo=UTC)
    before, after = rhythm.before(moment, zone), rhythm.after(moment, zone)
    assert before <= moment < after
    assert after - before <= timedelta(days=7 if cadence is Cadence.WEEKLY else 1, hours=1)
    if cadence is Cadence.WEEKLY:
        assert after.astimezone(ZoneInfo(zone)).weekday() == weekday


@pytest.mark.parametrize("typed", [("hourly", "0", "9"), ("daily", "0", ""), ("daily", "x", "9"), ("weekly", "7", "9"),
                                   ("weekly", "-1", "9"), ("daily", "0", "24")])  # fmt: skip
def test_what_is_no_rhythm_is_refused_in_words(typed: tuple[str, str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        feed_rhythm.read(*typed)
    assert "Nothing was changed." in caught.value.message


def test_a_rhythm_is_read_as_it_was_typed() -> None:
    assert feed_rhythm.read("weekly", "4", "9") == Rhythm(Cadence.WEEKLY, 4, 9)
    assert feed_rhythm.read("daily", "", "0") == Rhythm(Cadence.DAILY, 0, 0)
