"""Each letter that one may begin with is written over by keyboard alone and by touch, in the machine's Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from listkeeper import store
from listkeeper.campaigns import starter
from tests.browser import composing
from tests.browser.composing import Studio
from tests.browser.served import served
from tests.browser.watched import DESK, PHONE, Watched
from tests.makers import cafe

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(400)]

_NEW = "/studio/letters/new"


@pytest.fixture
def studio(app: Flask) -> Studio:
    """A café whose owner writes."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return Studio(app)


@pytest.fixture
def site(app: Flask, studio: Studio) -> Iterator[str]:
    """The application on loopback."""
    with served(app) as place:
        yield place


@pytest.fixture
def wanted(app: Flask, share: Callable[[str, int, int], int]) -> list[str]:
    """The letters to begin with, or a few of them."""
    with app.test_request_context():
        offered = [card.starter.value for card in starter.cards()]
    return offered[: share("letters to begin with", len(offered), 2)]


def test_each_is_written_over_with_the_keyboard_alone(
    people: Watched, studio: Studio, site: str, wanted: list[str]
) -> None:
    with people.context(size=DESK) as hers:
        composing.enter(hers, site, studio.entrance())
        page = hers.new_page()
        for kind in wanted:
            page.goto(site + _NEW)
            while page.evaluate("document.activeElement.value") != kind:
                page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            composing.demand_alive(page)
            composing.tab_to(page, "Subject")
            page.keyboard.press("Control+a")
            page.keyboard.type(f"My {kind}")
            composing.tab_to(page, "Text")
            page.keyboard.press("Enter")
            composing.tab_to(page, "Bold")
            page.keyboard.press("Tab")
            page.keyboard.press("Control+End")
            page.keyboard.type(" By hand.")
            _demand_written(page, studio, kind)


def test_each_is_written_over_by_touch(people: Watched, studio: Studio, site: str, wanted: list[str]) -> None:
    with people.context(size=PHONE) as hers:
        composing.enter(hers, site, studio.entrance())
        page = hers.new_page()
        for kind in wanted:
            page.goto(site + _NEW)
            page.locator(f"[name=start][value={kind}]").tap()
            composing.demand_alive(page)
            page.locator("#subject").tap()
            page.locator("#subject").fill(f"My {kind}")
            block = page.locator("[data-blocks] > [data-type=text]").first
            block.locator("summary").tap()
            block.locator(".rich").tap()
            page.keyboard.press("Control+End")
            page.keyboard.type(" By hand.")
            _demand_written(page, studio, kind)


def _demand_written(page: Page, studio: Studio, kind: str) -> None:
    composing.demand_state(page, "saved")
    expect(page.locator("[data-state]")).to_contain_text("Saved")
    found = studio.stored(page.url)
    assert found["subject"] == f"My {kind}"
    text = next(block["html"] for block in found["blocks"] if block["type"] == "text")
    assert text.removesuffix("</p>").removesuffix("</li></ul>").endswith(" By hand."), text
