"""The page in between, in the machine's Chromium: a browser works and nobody presses, or somebody presses once more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience.guard import defence
from listkeeper.audience.signup import Signup
from listkeeper.settings import Settings
from tests.browser.served import served
from tests.browser.watched import NARROWEST, watched
from tests.makers import cafe

pytestmark = pytest.mark.whole_program

HER = "freja@guest.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An instance whose browsers have a small sum to do."""
    return settings.model_copy(update={"signup_work": 3_000})


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on loopback, with a café whose owner says that its forms are under attack."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="da")
        defence.declare_attack(session, made.organisation.id, "user:1")
    with served(app) as place:
        yield place


def _post(page: Page, site: str) -> None:
    page.goto(f"{site}/f/news")
    page.locator("#email").fill(HER)
    page.locator("#email").press("Enter")


def _marks(app: Flask) -> list[list[str]]:
    with app.app_context(), store.reading() as session:
        return [row.marks for row in session.scalars(select(Signup)) if row.email_send == HER]


@pytest.mark.timeout(120)
def test_a_browser_does_the_sum_by_itself(chromium: Path, app: Flask, site: str) -> None:
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        _post(page, site)
        expect(page.locator("#code")).to_be_visible(timeout=30_000)
        assert reader.cookies() == []
        people.demand_calm()
    assert _marks(app) == [["defended", "worked"]]


@pytest.mark.timeout(120)
def test_without_a_script_a_second_press_does_the_same(chromium: Path, app: Flask, site: str) -> None:
    with watched(chromium) as people, people.context(javascript=False) as reader:
        page = reader.new_page()
        page.set_viewport_size({"width": NARROWEST, "height": 640})
        _post(page, site)
        assert _marks(app) == []
        page.wait_for_load_state()
        expect(page.locator("strong")).to_have_text(HER)
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
        assert page.locator("form button").bounding_box()["height"] >= 48  # type: ignore[index]
        page.locator("form button").press("Enter")
        expect(page.locator("#code")).to_be_visible()
        people.demand_calm()
    assert _marks(app) == [["defended", "pressed"]]


@pytest.mark.timeout(120)
def test_the_page_in_between_is_calm(chromium: Path, app: Flask, site: str) -> None:
    """Looked at with axe while its script is kept away, as a bad line keeps it away."""
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        page.route("**/work.js", lambda route: route.fulfill(status=200, content_type="text/javascript", body=""))
        _post(page, site)
        expect(page.locator("#one-more-step")).to_be_visible()
        people.inspect(page, "one more step")
        people.demand_calm()
