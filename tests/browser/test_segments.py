"""Segments in a real browser: built by touch on a telephone and by keyboard, and read by axe in light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience.segments.segment import Segment
from listkeeper.settings import Settings
from tests.browser import composing
from tests.browser.served import served
from tests.browser.watched import PHONE, Watched
from tests.makers import cafe, studio

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(180)]


@pytest.fixture
def site(app: Flask, settings: Settings) -> Iterator[str]:
    """The application on loopback: a café with somebody who speaks Danish, and somebody who does not."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        cafe.subscribe(session, house, "anna@guest.example").language = "da"
        cafe.subscribe(session, house, "bo@guest.example").language = "en"
    with served(app) as place:
        app.config["LISTKEEPER"] = settings.model_copy(update={"public_url": place})
        yield place


def _entrance(app: Flask) -> str:
    with app.app_context(), store.transaction() as session:
        return f"/studio/enter/{sign_in_link.make(session, user.first(session))}"


def _home(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/lists/{studio.the_cafe(session).mailing_list.public_id}/segments"


def test_a_segment_on_a_telephone(people: Watched, app: Flask, site: str) -> None:
    with people.context(size=PHONE) as hers:
        composing.enter(hers, site, _entrance(app))
        page = hers.new_page()
        page.goto(f"{site}{_home(app)}/new")
        people.inspect(page, "a new segment")
        # What is chosen is counted at once, and the field that belongs to it appears.
        page.get_by_label("Condition in row 2").select_option("language_is")
        expect(page.get_by_text("Something is missing below.")).to_be_visible()
        page.get_by_label("value").select_option("da")
        expect(page.get_by_role("status")).to_contain_text("1 person of 2 fits now")
        expect(page.get_by_label("The same as text")).to_have_value("language is da")
        page.get_by_role("button", name="Add a group").tap()
        expect(page.get_by_role("button", name="Remove row 3")).to_be_visible()
        page.wait_for_load_state("networkidle")
        people.inspect(page, "a group")
        page.get_by_role("button", name="Remove row 3").tap()
        page.get_by_label("Name").fill("Danes")
        page.get_by_role("button", name="Store the segment").tap()
        expect(page.get_by_role("heading", name="Danes")).to_be_visible()
        people.inspect(page, "a segment")
        assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
        page.goto(f"{site}{_home(app)}")
        people.inspect(page, "segments")
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Segment.source)).all() == ["language is da"]


def test_a_segment_by_keyboard_and_text(people: Watched, app: Flask, site: str) -> None:
    with people.context() as hers:
        composing.enter(hers, site, _entrance(app))
        page = hers.new_page()
        page.goto(f"{site}{_home(app)}/new")
        page.get_by_label("The same as text").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("not language is da")
        page.keyboard.press("Tab")
        expect(page.get_by_role("status")).to_contain_text("1 person of 2 fits now")
        expect(page.get_by_label("Not: turn row 2 round")).to_be_checked()
        page.get_by_label("Name").focus()
        page.keyboard.type("Others")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Store the segment")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Others")).to_be_visible()
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Segment.source)).all() == ["not language is da"]
