"""The studio's page about growth: figures, charts with their tables, files, one list or all."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from listkeeper import store
from listkeeper.audience import mailing_list, signup_form, source, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.source import Channel
from listkeeper.insight import growth_count
from listkeeper.jobs import growing
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.cafe import Cafe
from tests.makers.studio import StudioBrowser, words

_HERE = "/studio/channels/growth/"


@pytest.fixture
def browser(app: Flask, database: Database, frozen_clock: time_machine.Traveller) -> StudioBrowser:
    """A café with a year behind it: four came each month, one of them left the month after."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        other = mailing_list.create(session, house.organisation, name="Wine")
        form = signup_form.create(session, house.organisation, other)
        source.create(session, house.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
        cafe.subscribe(session, Cafe(house.organisation, house.owner, other, form), "wine@people.example")
        for when in range(5):
            people = [cafe.subscribe(session, house, f"p{when}-{name}@people.example") for name in "abcd"]
            cafe.sign_up(session, house, f"never-{when}@people.example")
            frozen_clock.shift(timedelta(days=31))
            unsubscribe.leave(session, people[0].id, house.mailing_list.id, Method.PAGE)
    return studio.signed_in(app)


def test_the_page_says_who_came_and_who_stayed(browser: StudioBrowser) -> None:
    page = browser.get(_HERE)
    assert page.status_code == 200
    said = words(page)
    assert "16 people on the list today" in said
    assert "Whoever is on several lists counts on each." in said
    assert "4 of 5" in said
    assert page.text.count('role="img"') == 3
    assert page.text.count("The numbers as a table") == 3
    # Each drawing has a title and a sentence for whoever cannot see it.
    for label in re.findall(r'aria-labelledby="(\S+) (\S+)"', page.text):
        assert all(f'id="{name}"' in page.text for name in label)
    assert "style=" not in page.text
    assert _HERE in browser.get("/studio/channels").text


def test_one_list_is_chosen_and_a_strange_one_is_not_there(browser: StudioBrowser) -> None:
    [wine] = re.findall(r'<option value="(lst_\w+)">Wine', browser.get(_HERE).text)
    alone = browser.get(f"{_HERE}?list={wine}")
    assert "1 person on the list today" in words(alone)
    assert "selected>Wine" in alone.text
    assert "Whoever is on several lists" not in words(alone)
    assert browser.get(f"{_HERE}?list=lst_no").status_code == 404


def test_each_table_is_a_file(browser: StudioBrowser) -> None:
    def rows(name: str) -> list[list[str]]:
        answer = browser.get(f"{_HERE}{name}.csv")
        assert answer.status_code == 200
        return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))

    months = rows("months")
    assert months[0] == ["month", "asked", "confirmed_of_asked", "joined", "lost", "size"]
    assert sum(int(row[3]) - int(row[4]) for row in months[1:]) == int(months[-1][5]) == 16
    assert rows("sources")[1][2:] == ["26", "21", "16", "5", "0", "0", "0"]
    cohorts = rows("cohorts")
    assert cohorts[1][1:4] == ["5", "5", "4"]
    assert len({len(row) for row in cohorts}) == 1
    assert rows("owned") == [["month", "size", "followers", "people_for_1000_followers"]]
    assert browser.get(f"{_HERE}people.csv").status_code == 404


def test_nobody_yet_is_said_and_nothing_is_divided_by_nothing(app: Flask, database: Database) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    browser = studio.signed_in(app)
    assert "Nobody has come yet" in words(browser.get(_HERE))
    for name in ("months", "sources", "cohorts", "owned"):
        assert browser.get(f"{_HERE}{name}.csv").status_code == 200


def test_the_hourly_job_keeps_long_lists_and_the_page_reads_them(
    browser: StudioBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.get(_HERE)
    before = words(browser.get(_HERE))
    monkeypatch.setattr(growth_count, "COUNTED_AT_ONCE", 5)
    with browser.app.app_context():
        growing.count()
        growing.count()
    assert words(browser.get(_HERE)) == before
    with browser.app.app_context(), store.transaction() as session:
        cafe.subscribe(session, studio.the_cafe(session), "later@people.example")
    assert "16 people on the list today" in words(browser.get(_HERE))
    with browser.app.app_context():
        growing.count()
    assert "17 people on the list today" in words(browser.get(_HERE))
