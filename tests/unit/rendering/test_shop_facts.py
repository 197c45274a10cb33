"""What stands beside a form of its business, in the form's language and on the clock of the shop."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from listkeeper.accounts.storefront import Storefront
from listkeeper.audience.forms.form_design import Fact
from listkeeper.rendering import shop_facts

EVERYTHING = frozenset(Fact)
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


def _shop(**changes: object) -> Storefront:
    told: dict[str, object] = {
        "phone": "+45 12 34 56 78", "time_zone": "Europe/Copenhagen", "holidays": "Closed at Easter",
        "hours": {"mon": [[540, 1050]], "tue": [[540, 1050]], "fri": [[1080, 1560]],
                  "shut": ["2026-11-24", "2027-12-24"]},
        "place": "Havnegade 1, 1058 København", "coordinates": "",
        "links": ["https://www.instagram.com/cafe", "https://m.facebook.com/cafe", "https://notfacebook.com/x"],
    }  # fmt: skip
    return Storefront(**(told | changes))


def test_nothing_is_shown_that_is_not_told_or_not_wanted() -> None:
    assert not shop_facts.of(None, EVERYTHING, "en", MONDAY)
    assert not shop_facts.of(_shop(), frozenset(), "en", MONDAY)
    bare = _shop(phone="", hours={}, holidays="", place="", links=[])
    assert not shop_facts.of(bare, EVERYTHING, "en", MONDAY)
    only = shop_facts.of(_shop(), frozenset({Fact.CALL}), "en", MONDAY)
    assert only == shop_facts.ShopFacts(phone="+45 12 34 56 78", call="tel:+4512345678")


def test_the_week_in_the_language_of_the_form() -> None:
    shown = shop_facts.of(_shop(), EVERYTHING, "da", MONDAY)
    assert [(row.days, row.hours, row.today) for row in shown.hours] == [
        ("Mandag \N{EN DASH} tirsdag", "09.00 \N{EN DASH} 17.30", True),
        ("Onsdag \N{EN DASH} torsdag", shown.hours[1].hours, False),
        ("Fredag", "18.00 \N{EN DASH} 02.00", False),
        ("Lørdag \N{EN DASH} søndag", shown.hours[1].hours, False),
    ]


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 11, 23, 8, tzinfo=UTC), "Open now, until 17:30"),
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), "Closed now, opens at 09:00"),
        (datetime(2026, 11, 24, 10, tzinfo=UTC), "Closed now, opens on Friday at 18:00"),
        (datetime(2026, 11, 28, 0, 30, tzinfo=UTC), "Open now, until 02:00"),
    ],
)
def test_open_now_goes_by_the_clock_on_the_wall_of_the_shop(moment: datetime, said: str) -> None:
    assert shop_facts.of(_shop(), EVERYTHING, "en", moment).now == said


@pytest.mark.parametrize(
    ("shut", "spoken", "said"),
    [
        ((), "en", "Closed now, opens on Monday, 30 November 2026 at 09:00"),
        (("2026-11-30",), "en", "Closed now, opens on Monday, 7 December 2026 at 09:00"),
        (("2026-11-30",), "de", "Jetzt geschlossen, öffnet am Montag, 7. Dezember 2026 um 09:00 Uhr"),
        (("2026-11-30",), "da", "Lukket nu, åbner mandag den 7. december 2026 kl. 09.00"),
        # Two Mondays shut: nothing within a fortnight is promised.
        (("2026-11-30", "2026-12-07"), "en", "Closed now"),
    ],
)
def test_a_door_that_opens_in_a_week_or_later_says_the_date(shut: tuple[str, ...], spoken: str, said: str) -> None:
    shop = _shop(hours={"mon": [[540, 1050]], "shut": list(shut)})
    assert shop_facts.of(shop, EVERYTHING, spoken, datetime(2026, 11, 23, 18, tzinfo=UTC)).now == said


def test_six_days_ahead_a_weekday_is_enough() -> None:
    shop = _shop(hours={"mon": [[540, 1050]]})
    assert shop_facts.of(shop, EVERYTHING, "en", datetime(2026, 11, 24, 8, tzinfo=UTC)).now == (
        "Closed now, opens on Monday at 09:00"
    )


def test_only_a_shop_in_america_counts_twice_to_twelve() -> None:
    shown = shop_facts.of(_shop(time_zone="America/New_York"), EVERYTHING, "en", MONDAY)
    assert "9:00" in shown.hours[0].hours
    assert "AM" in shown.hours[0].hours


def test_a_day_that_is_shut_is_announced_a_month_ahead() -> None:
    assert shop_facts.of(_shop(), EVERYTHING, "en", MONDAY).holidays == ("Closed on 24 November", "Closed at Easter")


def test_the_way_begins_where_the_visitor_stands_and_names_nobody() -> None:
    by_name = shop_facts.of(_shop(), EVERYTHING, "en", MONDAY).ways
    assert [link.name for link in by_name] == ["Google Maps", "Apple Maps", "OpenStreetMap"]
    assert all("Havnegade%201,%201058%20K%C3%B8benhavn" in link.address for link in by_name)
    exact = shop_facts.of(_shop(coordinates="55.676100,12.568300"), EVERYTHING, "en", MONDAY).ways
    assert exact[0].address == "https://www.google.com/maps/dir/?api=1&destination=55.676100,12.568300"
    assert exact[2].address.endswith("#map=17/55.676100/12.568300")
    hostile = shop_facts.of(_shop(place='"><script>&x=#'), EVERYTHING, "en", MONDAY).ways
    assert all(not set(link.address.split("?", 1)[1]) & set('"<># ') for link in hostile)


def test_networks_are_called_by_their_names_and_others_by_their_hosts() -> None:
    named = [link.name for link in shop_facts.of(_shop(), EVERYTHING, "en", MONDAY).links]
    assert named == ["Instagram", "Facebook", "notfacebook.com"]
