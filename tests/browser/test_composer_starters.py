"""Each letter that one may begin with is written over by keyboard alone and by touch, in the machine's Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from listkeeper import store
from listkeeper.campaigns import preview, revision, starter
from listkeeper.rendering import compiled, filling
from tests.browser import composing
from tests.browser.composing import Studio
from tests.browser.served import served
from tests.browser.watched import DESK, PHONE, Watched
from tests.makers import studio as makers_studio

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(400)]

_NEW = "/studio/letters/new"


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


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["by keyboard", "by touch"])
def test_a_status_notice_is_written_and_told(people: Watched, studio: Studio, site: str, size: dict[str, int]) -> None:
    with people.context(size=size) as hers:
        composing.enter(hers, site, studio.entrance())
        page = hers.new_page()
        page.goto(f"{site}/studio/notices/new?start=trouble")
        if size is PHONE:
            page.locator("#title").tap()
            page.locator("#title").fill("The oven is cold")
            page.get_by_role("button", name="Look at it").tap()
            page.get_by_role("button", name="Put it on the page").tap()
        else:
            composing.tab_to(page, "What is it about?")
            page.keyboard.press("Control+a")
            page.keyboard.type("The oven is cold")
            composing.tab_to(page, "Look at it")
            page.keyboard.press("Enter")
            expect(page.get_by_text("This is what you tell")).to_be_visible()
            composing.tab_to(page, "Put it on the page")
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="The oven is cold").first).to_be_visible()
        page.goto(f"{site}/status")
        expect(page.get_by_text("The oven is cold").first).to_be_visible()
    people.demand_calm()


def test_axe_finds_nothing_serious_in_any_letter(people: Watched, app: Flask, studio: Studio) -> None:
    with people.context(size=DESK) as hers, app.app_context(), store.reading() as session:
        owner = makers_studio.the_cafe(session).organisation
        page = hers.new_page()
        drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>'
        page.route("**/guidance/**", lambda route: route.fulfill(content_type="image/svg+xml", body=drawn))
        for kind in starter.Starter:
            draft = starter.of(owner, kind)
            if draft.subject:
                made = compiled.compile_letter(revision.as_letter(draft, owner, "http://127.0.0.1"))
                mailing_list = makers_studio.the_cafe(session).mailing_list
                for seen in ("", "gmail", "apple", "outlook"):
                    reader = preview.sample_reader(owner, mailing_list, "http://127.0.0.1", "en", guidance=seen)
                    page.set_content(filling.fill(made, reader).html)
                    people.inspect(page, f"{kind.value} {seen}")
    people.demand_calm()
