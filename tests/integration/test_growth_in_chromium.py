"""Growth and what a channel earns in Chromium: axe, both schemes, 320 px, by keys, with script and without."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Page, expect

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience import followers, source, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.source import Channel
from listkeeper.foundation import clock
from tests.browser.watched import DESK, PHONE, Watched, watched
from tests.makers import cafe

pytestmark = pytest.mark.whole_program

_PROFIT, _GROWTH = "/studio/channels/profit/", "/studio/channels/growth/"
_TYPED = {
    "People it goes to": ("10000", "2400"),
    "Cost of one piece": ("6.25", "0.0125"),
    "Fixed cost, once": ("12500", "3600"),
    "Response": ("1.5", "8.5"),
    "Of those who respond, order": ("40", "12"),
    "Left of one order": ("487.35", "487.35"),
    "Lost from one mailing to the next": ("0", "1.5"),
}


@pytest.fixture
def enter(app: Flask) -> str:
    """A café with eight months behind it and followers that were counted; the way in."""
    now = clock.now()
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        source.create(session, house.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
        for back in range(8, 0, -1):
            with time_machine.travel(now - timedelta(days=31 * back), tick=False):
                people = [
                    cafe.subscribe(session, house, f"p{back}-{n}@people.example") for n in range(3 + 3 * (9 - back))
                ]
                followers.note(
                    session, house.organisation, Channel.INSTAGRAM, str(4000 - 100 * back), clock.now().date()
                )
            with time_machine.travel(now - timedelta(days=31 * back - 20), tick=False):
                unsubscribe.leave(session, people[0].id, house.mailing_list.id, Method.PAGE)
        return f"/studio/enter/{sign_in_link.make(session, user.first(session))}"


def _in(page: Page, site: str, enter: str) -> None:
    page.goto(f"{site}{enter}")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def _keep(page: Page, name: str, pictures: Path) -> None:
    for size in (PHONE, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.screenshot(path=pictures / f"{name}-{size['width']}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=pictures / f"{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]


def _fill(page: Page) -> None:
    for label, values in _TYPED.items():
        for number, value in enumerate(values):
            page.get_by_label(label).nth(number).fill(value)
    page.get_by_label("Mailings").nth(1).fill("6")


@pytest.mark.timeout(240)
def test_both_pages_are_calm_and_worked_by_keys_alone(chromium: Path, site: str, enter: str, tmp_path: Path) -> None:
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        _in(page, site, enter)
        page.goto(f"{site}{_GROWTH}")
        _growth_by_keys(page)
        people.inspect(page, "growth")
        _keep(page, "growth", tmp_path)
        page.goto(f"{site}{_PROFIT}")
        people.inspect(page, "profit, empty")
        _fill(page)
        # The figures follow while typing.
        expect(page.locator("#result")).to_contain_text("65,169.02")
        people.inspect(page, "profit")
        _keep(page, "profit", tmp_path)
        _saved_by_keys(page)
        people.inspect(page, "profit, kept")
        page.get_by_label("People it goes to").nth(0).fill("-5")
        page.get_by_role("button", name="Work it out").last.click()
        expect(page.get_by_text("This cannot be less than nothing.")).to_be_visible()
        people.inspect(page, "profit, wrong")
        _keep(page, "profit-wrong", tmp_path)
        people.demand_calm()


def _growth_by_keys(page: Page) -> None:
    """Open the table of the first drawing with keys alone."""
    summary = page.locator("details.told > summary").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if summary.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="At its end")).to_be_visible()
    expect(page.get_by_role("img", name="People on your list").first).to_be_visible()
    expect(page.get_by_role("img", name="Who stays")).to_be_visible()


def _saved_by_keys(page: Page) -> None:
    """Give the calculation a name and keep it, with keys alone: Enter alone only works it out."""
    page.get_by_label("Name of the calculation").focus()
    page.keyboard.type("Christmas")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Christmas")
    expect(page.get_by_role("status")).to_contain_text("Saved.")


@pytest.mark.timeout(120)
def test_without_script_the_form_works_it_out(people: Watched, site: str, enter: str) -> None:
    with people.context(javascript=False) as owner:
        page = owner.new_page()
        _in(page, site, enter)
        page.goto(f"{site}{_PROFIT}")
        _fill(page)
        page.get_by_role("button", name="Work it out").last.click()
        expect(page.locator("#result")).to_contain_text("65,169.02")
        page.get_by_label("Name of the calculation").fill("Print")
        page.keyboard.press("Enter")
        expect(page.locator("#result")).to_contain_text("65,169.02")
        page.get_by_role("button", name="Add a channel").click()
        expect(page.get_by_label("Name of the channel")).to_have_count(3)
        page.get_by_role("button", name="Remove Another channel").click()
        expect(page.get_by_label("Name of the channel")).to_have_count(2)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Print")
    people.demand_calm()
