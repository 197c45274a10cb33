"""Times as other tools write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.audience.importing import moments
from listkeeper.audience.importing.moments import DateOrder, Moment

MORNING = datetime(2024, 7, 29, 5, 31, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-29 05:31:31",
        "2024-07-29T05:31:31Z",
        "2024-07-29T07:31:31+02:00",
        "2024-07-29 05:31:31 UTC",
        "2024-07-29 11:01:31 +0530 IST",
        "2024-07-29 05:31:31 +0000 UTC m=+0.012345678",
        "29.07.2024 05:31:31",
        "29/07/2024 05:31:31",
        "7/29/2024 5:31:31 AM",
        "07/29/2024, 05:31:31",
        "2024/07/29 05:31:31",
        "Jul 29, 2024 5:31:31 AM",
        "29 July 2024 05:31:31",
        "29. juli 2024 05:31:31",
        "Mon, 29 Jul 2024 07:31:31 +0200",
        "1722231091",
        "1722231091000",
    ],
)
def test_the_same_moment_in_many_shapes(text: str) -> None:
    assert moments.read(text) == Moment(MORNING, has_time=True)


def test_gos_own_fractions_are_kept() -> None:
    found = moments.read("2024-07-29 11:01:31.478677 +0530 IST")
    assert found is not None
    assert found.at == MORNING.replace(microsecond=478677)


@pytest.mark.parametrize("text", ["2024-07-29", "29.07.2024", "Jul 29, 2024", "7/29/2024", "20240729"])
def test_a_day_is_no_time_of_day(text: str) -> None:
    found = moments.read(text)
    assert found is not None
    assert (found.at.date(), found.has_time) == (MORNING.date(), False)


@pytest.mark.parametrize(
    "text", ["", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "0", "soon", "31/02/2024 10:00", "99999999999"]
)
def test_what_names_no_moment(text: str) -> None:
    assert moments.read(text) is None


def test_an_order_is_asked_and_not_guessed() -> None:
    text = "03/04/2024 10:00"
    assert moments.is_ambiguous(text)
    assert moments.read(text) is None
    april, march = moments.read(text, DateOrder.DAY_FIRST), moments.read(text, DateOrder.MONTH_FIRST)
    assert april is not None
    assert march is not None
    assert (april.at.month, march.at.month) == (4, 3)
    assert not moments.is_ambiguous("04.03.2024")
    assert not moments.is_ambiguous("13/04/2024")
    assert not moments.is_ambiguous("04/04/2024")


def test_a_column_shows_its_order_by_a_number_above_twelve() -> None:
    assert moments.order_of(["03/04/2024", "13/04/2024"]) is DateOrder.DAY_FIRST
    assert moments.order_of(["03/04/2024", "04/13/2024"]) is DateOrder.MONTH_FIRST
    assert moments.order_of(["03/04/2024"]) is None
    assert moments.order_of(["13/04/2024", "04/13/2024"]) is None
