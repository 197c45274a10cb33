"""Home, the board and the clean-up in the machine's Chromium: by keyboard, axe in both schemes, 390 and 1280 px."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from listkeeper import store
from listkeeper.accounts import sign_in_link
from listkeeper.insight import board_log
from listkeeper.insight.board_number import NumberKind
from tests.browser.watched import DESK, PHONE, Watched, watched
from tests.makers import cafe, silent, studio

pytestmark = pytest.mark.whole_program


def _found(app: Flask) -> tuple[str, str]:
    """Found a café with silent people; return the link that signs in, and the id of its list."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        quiet = silent.people(session, house, "anna bo")
        silent.letters(session, house, 5, quiet)
        board_log.note(session, house.organisation, NumberKind.LEFT, "Wrote less often", actor="cli")
        return sign_in_link.make(session, house.owner), house.mailing_list.public_id


def _focus(page: Page, name: str, role: str = "button") -> None:
    """Walk with the tabulator key until something of this name is reached."""
    for _ in range(90):
        page.keyboard.press("Tab")
        reached = page.evaluate(
            "() => { const here = document.activeElement; return [here.tagName === 'A' ? 'link' : 'button', "
            "(here.labels?.[0]?.textContent ?? here.textContent ?? '').trim()]; }"
        )
        if reached[0] == role and reached[1].startswith(name):
            return
    pytest.fail(f"the keyboard never reached “{name}”")


def _home_and_board(people: Watched, page: Page, site: str, size: str) -> None:
    page.goto(f"{site}/studio/")
    people.inspect(page, f"home {size}")
    assert page.locator(".board-number").count() == 3
    _focus(page, "Count again")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Counted just now.")).to_be_visible()
    people.inspect(page, f"home counted {size}")
    for card in page.locator(".board-number").all():
        assert card.get_by_role("button").count() == 1
    _focus(page, "The board: targets", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The board")).to_be_visible()
    people.inspect(page, f"board {size}")


def _picks_by_keyboard(page: Page) -> None:
    page.locator("#pick select[name=kind]").first.focus()
    page.keyboard.type("Left")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("5")
    _focus(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The board is changed.")).to_be_visible()
    expect(page.get_by_role("heading", name="Left this month")).to_be_visible()


def _cleans_up_by_keyboard(people: Watched, page: Page, address: str, size: str) -> None:
    page.goto(address)
    people.inspect(page, f"clean-up before {size}")
    _focus(page, "Count")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Let 2 people rest")).to_be_visible()
    people.inspect(page, f"clean-up {size}")
    _focus(page, "Let 2 people rest")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 people rest now.")).to_be_visible()
    people.inspect(page, f"clean-up done {size}")
    _focus(page, "Wake them all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 people are awake again.")).to_be_visible()


@pytest.mark.timeout(300)
def test_the_board_and_the_clean_up_are_calm_and_work_by_keyboard(
    app: Flask, chromium: Path, site: str, tmp_path: Path
) -> None:
    enter, list_id = _found(app)
    with watched(chromium) as people:
        for size, name in ((PHONE, "390"), (DESK, "1280")):
            with people.context(size=size) as owner:
                page = owner.new_page()
                if name != "390":
                    with app.app_context(), store.transaction() as session:
                        enter = sign_in_link.make(session, studio.the_cafe(session).owner)
                page.goto(f"{site}/studio/enter/{enter}")
                page.get_by_role("main").get_by_role("button").click()
                _home_and_board(people, page, site, name)
                page.screenshot(path=tmp_path / f"board-{name}.png", full_page=True)
                _picks_by_keyboard(page)
                _cleans_up_by_keyboard(people, page, f"{site}/studio/lists/{list_id}/clean-up", name)
                page.screenshot(path=tmp_path / f"clean-up-{name}.png", full_page=True)
                page.goto(f"{site}/studio/")
                page.screenshot(path=tmp_path / f"home-{name}.png", full_page=True)
        people.demand_calm()


def test_without_script_a_number_is_acted_on(app: Flask, chromium: Path, site: str) -> None:
    enter, _list_id = _found(app)
    with watched(chromium) as people, people.context(javascript=False) as owner:
        page = owner.new_page()
        page.goto(f"{site}/studio/enter/{enter}")
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{site}/studio/")
        page.get_by_role("button", name="Count again").click()
        page.get_by_role("button", name="Share the sign-up link").click()
        assert "/studio/forms/" in page.url
        page.goto(f"{site}/studio/board")
        expect(page.get_by_text("Share the sign-up link").first).to_be_visible()
        people.demand_calm()
