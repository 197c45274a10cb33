"""Quiet hours: a window by the clocks of the business, over midnight and over the night in which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from listkeeper.accounts import quiet_hours, storefront
from listkeeper.foundation.errors import Invalid
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café in Copenhagen."""
    made = cafe.found(session, spoken="da")
    storefront.tell(session, made.organisation, storefront.read(made.organisation, {"time_zone": "Europe/Copenhagen"}))
    return made


def _rests(session: Session, house: Cafe, moment: str) -> str | None:
    until = quiet_hours.rests(session, datetime.fromisoformat(moment).replace(tzinfo=UTC)).get(house.organisation.id)
    return until.strftime("%d %H:%M") if until else None


@pytest.mark.parametrize(
    ("window", "moment", "until"),
    [
        # Winter: an hour ahead of UTC.
        (("21:00", "08:00"), "2026-11-23T19:59:59", None),
        (("21:00", "08:00"), "2026-11-23T20:00:00", "24 07:00"),
        (("21:00", "08:00"), "2026-11-24T06:59:59", "24 07:00"),
        (("21:00", "08:00"), "2026-11-24T07:00:00", None),
        (("12:00", "13:30"), "2026-11-23T11:15:00", "23 12:30"),
        (("12:00", "13:30"), "2026-11-23T12:30:00", None),
        (("0:00", "6.30"), "2026-11-23T23:30:00", "24 05:30"),
        # The night in which the clocks go forward, and the one in which they go back: eight is eight on the wall.
        (("21:00", "08:00"), "2027-03-27T22:00:00", "28 06:00"),
        (("21:00", "08:00"), "2026-10-24T22:00:00", "25 07:00"),
        # It ends at an hour that the clocks leap over.
        (("21:00", "02:30"), "2027-03-27T22:00:00", "28 01:30"),
    ],
)
def test_a_moment_lies_in_the_window_or_not(
    session: Session, house: Cafe, *, window: tuple[str, str], moment: str, until: str | None
) -> None:
    quiet_hours.choose(house.organisation, *window)
    session.flush()
    assert _rests(session, house, moment) == until


def test_there_are_none_until_they_are_chosen_and_they_can_be_taken_away(session: Session, house: Cafe) -> None:
    assert _rests(session, house, "2026-11-23T23:00:00") is None
    quiet_hours.choose(house.organisation, "21:00", "8:00")
    assert quiet_hours.as_text(house.organisation) == ("21:00", "08:00")
    for wrong in (("21:00", ""), ("", "08:00"), ("9 pm", "08:00"), ("24:00", "08:00"), ("08:00", "8:00")):
        with pytest.raises(Invalid):
            quiet_hours.choose(house.organisation, *wrong)
        assert quiet_hours.as_text(house.organisation) == ("21:00", "08:00")
    quiet_hours.choose(house.organisation, "", " ")
    session.flush()
    assert quiet_hours.as_text(house.organisation) == ("", "")
    assert _rests(session, house, "2026-11-23T23:00:00") is None
