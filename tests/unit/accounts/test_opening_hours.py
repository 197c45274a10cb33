"""When a shop is open, on the clock at its own wall: pauses, midnight, holidays, and what is typed wrongly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.accounts import opening_hours
from listkeeper.accounts.opening_hours import DAYS, Hours, Span
from listkeeper.accounts.storefront import Storefront
from listkeeper.foundation.errors import Invalid

TODAY = date(2026, 11, 23)
BAKERY = {
    "mon_opens": "7:00", "mon_shuts": "12:00", "mon_opens_2": "13:00", "mon_shuts_2": "17.30",
    "fri_opens": "18:00", "fri_shuts": "02:00", "sun_opens": "00:00", "sun_shuts": "24:00",
    "shut": "2026-12-25\n2026-11-30",
}  # fmt: skip


def _at(words: str) -> datetime:
    return datetime.fromisoformat(words)  # the sign at the door names no zone


@pytest.mark.parametrize(
    ("moment", "open_", "until"),
    [
        ("2026-11-23T06:59", False, "2026-11-23T07:00"),
        ("2026-11-23T07:00", True, "2026-11-23T12:00"),
        ("2026-11-23T12:00", False, "2026-11-23T13:00"),
        ("2026-11-23T17:29", True, "2026-11-23T17:30"),
        ("2026-11-23T17:30", False, "2026-11-27T18:00"),
        # Past midnight the evening before is still going on.
        ("2026-11-28T01:59", True, "2026-11-28T02:00"),
        ("2026-11-28T02:00", False, "2026-11-29T00:00"),
        # A whole day, and then the Monday that is a holiday.
        ("2026-11-29T23:59", True, "2026-11-30T00:00"),
        ("2026-11-30T08:00", False, "2026-12-04T18:00"),
        # The night of the 25th does not begin, the one of the 24th would go on.
        ("2026-12-25T19:00", False, "2026-12-27T00:00"),
    ],
)
def test_the_door_is_open_when_the_sign_says_so(moment: str, open_: bool, until: str) -> None:
    standing = opening_hours.read(BAKERY, today=TODAY).standing(_at(moment))
    assert (standing.open, standing.until) == (open_, _at(until))


def test_a_shop_that_never_opens_promises_nothing_and_one_that_never_shuts_no_end() -> None:
    assert Hours().standing(_at("2026-11-23T12:00")) == opening_hours.Standing(open=False, until=None)
    always = {f"{day}_{end}": at for day in DAYS for end, at in (("opens", "00:00"), ("shuts", "24:00"))}
    standing = opening_hours.read(always, today=TODAY).standing(_at("2026-11-23T12:00"))
    assert (standing.open, standing.until) == (True, None)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"mon_opens": "9:00"}, "hours_half"),
        ({"sun_shuts_2": "9:00"}, "hours_half"),
        ({"mon_opens": "9", "mon_shuts": "17"}, "hours_unreadable"),
        ({"mon_opens": "25:00", "mon_shuts": "26:00"}, "hours_unreadable"),
        ({"mon_opens": "9:60", "mon_shuts": "17:00"}, "hours_unreadable"),
        ({"mon_opens": "9:00", "mon_shuts": "13:00", "mon_opens_2": "12:00", "mon_shuts_2": "17:00"}, "hours_overlap"),
        ({"sun_opens": "20:00", "sun_shuts": "8:00", "mon_opens": "7:00", "mon_shuts": "9:00"}, "hours_overlap"),
        ({"shut": "Christmas"}, "shut_unreadable"),
        ({"shut": "2026-02-30"}, "shut_unreadable"),
        ({"shut": "\n".join(["2026-12-24"] * 41)}, "shut_unreadable"),
    ],
)
def test_hours_that_make_no_sense_are_refused(typed: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        opening_hours.read(typed, today=TODAY)
    assert refused.value.code == code


def test_the_day_that_is_wrong_is_named() -> None:
    with pytest.raises(Invalid, match="Wednesday"):
        opening_hours.read({"wed_opens": "9:00"}, today=TODAY)


def test_days_that_are_over_are_forgotten() -> None:
    read = opening_hours.read({"shut": "2026-11-22 2026-11-23; 2026-12-24"}, today=TODAY)
    assert sorted(read.shut) == [TODAY, date(2026, 12, 24)]


_SPANS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda two: Span(two[0], two[0] + two[1]))
_WEEKS = st.lists(st.lists(_SPANS, max_size=1).map(tuple), min_size=7, max_size=7).map(tuple)


@given(_WEEKS, st.integers(0, 20_160))
def test_hours_come_back_as_they_were_stored_and_the_next_change_is_a_change(
    days: tuple[tuple[Span, ...], ...], minute: int
) -> None:
    hours = Hours(days)
    assert Hours.of(hours.as_json()) == hours
    now = _at("2026-11-23T00:00") + timedelta(minutes=minute)
    standing = hours.standing(now)
    if standing.until is not None:
        assert standing.until > now
        assert hours.standing(standing.until).open is not standing.open
        assert hours.standing(standing.until - timedelta(minutes=1)).open is standing.open


def test_summer_time_moves_the_wall_clock_and_not_the_sign() -> None:
    shop = Storefront(time_zone="Europe/Copenhagen", hours={"sun": [[540, 1020]]})
    for moment, open_ in (
        (datetime(2026, 10, 25, 6, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 6, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 7, 0, tzinfo=UTC), True),
    ):
        assert shop.opening.standing(shop.wall_clock(moment)).open is open_
