"""How long proof is kept: presets with a source, and ends that no month, leap day or time zone moves later."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listkeeper.audience import jurisdiction, retention_preset
from listkeeper.audience.retention_preset import CountedFrom
from listkeeper.foundation.errors import NotFound

TODAY = date(2026, 11, 23)
STORED = tomllib.loads(Path(retention_preset.__file__).with_name("retention_presets.toml").read_text("utf-8"))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_presets_are_these() -> None:
    codes = [preset.code for preset in retention_preset.everything()]
    assert codes == ["DK-6m", "DK-24m", "DE-36m", "FR-36m", "CA-36m", "US-36m", "US-CA-24m"]
    assert [preset.code for preset in retention_preset.offered(TODAY)] == codes[:-1]


def test_every_preset_has_a_source_and_only_checked_ones_are_told_as_facts() -> None:
    assert {preset["checked_on"] for preset in STORED["preset"]} == {date(2026, 11, 22)}
    for preset in retention_preset.everything():
        assert preset.label.strip()
        assert preset.rule.source.strip()
        assert bool(preset.rule.plain) is preset.rule.verified
        assert preset.rule.verified or preset.rule.shown == "Not checked yet. Do not rely on it."
    unchecked = {preset.code for preset in retention_preset.everything() if not preset.rule.verified}
    assert unchecked == {"DE-36m", "CA-36m", "US-36m"}


def test_what_a_profile_suggests_is_offered() -> None:
    offered = {preset.code for preset in retention_preset.offered(TODAY)}
    assert {jurisdiction.profile(code, TODAY).proof_preset for code in jurisdiction.codes()} <= offered


def test_a_preset_nobody_knows_is_refused() -> None:
    with pytest.raises(NotFound) as refused:
        retention_preset.named("DK-5y")
    assert refused.value.code == "no_retention_preset"


@pytest.mark.parametrize(
    ("code", "left", "gone"),
    [
        ("DK-6m", "2026-11-23T10:30:15.123", "2027-05-23T10:30:15.123"),
        ("DK-6m", "2026-08-31T23:59:59", "2027-02-28T23:59:59"),
        ("DK-6m", "2027-08-31T23:59:59", "2028-02-29T23:59:59"),
        ("DK-24m", "2024-02-29T12:00", "2026-02-28T12:00"),
        ("DK-24m", "2022-02-28T12:00", "2024-02-28T12:00"),
        ("CA-36m", "2026-03-29T02:30", "2029-03-29T02:30"),
        ("US-36m", "2024-02-29T00:00", "2027-02-28T00:00"),
        ("US-CA-24m", "2026-11-23T10:30", "2028-11-23T10:30"),
        # To the end of the year, in Germany: midnight there is 23:00 in UTC.
        ("DE-36m", "2026-01-01T12:00", "2029-12-31T23:00"),
        ("DE-36m", "2026-12-31T22:59:59", "2029-12-31T23:00"),
        ("DE-36m", "2026-12-31T23:00:00", "2030-12-31T23:00"),
        ("DE-36m", "2024-02-29T12:00", "2027-12-31T23:00"),
    ],
)
def test_proof_goes_on_the_day(code: str, left: str, gone: str) -> None:
    assert retention_preset.delete_after(code, _at(left)) == _at(gone)
    assert retention_preset.delete_after(retention_preset.named(code), _at(left)) == _at(gone)


def test_three_years_in_france_are_counted_from_the_last_click_and_never_from_one_after_the_goodbye() -> None:
    left = _at("2026-11-23T10:00")
    clicked = _at("2025-02-28T09:00")
    assert retention_preset.delete_after("FR-36m", left, last_click=clicked) == _at("2028-02-28T09:00")
    assert retention_preset.delete_after("FR-36m", left, last_click=_at("2020-01-01T00:00")) < left
    from_the_goodbye = _at("2029-11-23T10:00")
    assert retention_preset.delete_after("FR-36m", left, last_click=left + timedelta(days=9)) == from_the_goodbye
    assert retention_preset.delete_after("FR-36m", left) == from_the_goodbye


def test_a_click_moves_no_other_preset() -> None:
    left = _at("2026-11-23T10:00")
    for preset in retention_preset.everything():
        moved = retention_preset.delete_after(preset, left, last_click=_at("2025-01-01T00:00"))
        assert (moved != retention_preset.delete_after(preset, left)) is (preset.counted_from is CountedFrom.LAST_CLICK)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        retention_preset.delete_after("DK-6m", datetime(2026, 11, 23, 10, 0))  # noqa: DTZ001 - that is what is tested


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - hypothesis adds the zone
    st.integers(-12, 14),
    st.sampled_from([preset.code for preset in retention_preset.everything()]),
)
def test_where_a_clock_stands_moves_nothing(moment: datetime, hours: int, code: str) -> None:
    left = moment.replace(tzinfo=UTC)
    gone = retention_preset.delete_after(code, left)
    assert retention_preset.delete_after(code, left.astimezone(timezone(timedelta(hours=hours)))) == gone
    assert gone.utcoffset() == timedelta(0)
    assert gone > left
