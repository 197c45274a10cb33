"""Several boxes on one form, in all four shapes, in the machine's Chromium: by keyboard, in the dark, on 320 pixels."""

from __future__ import annotations

import pytest
from playwright.sync_api import FrameLocator, Locator, Page

from listkeeper import store
from listkeeper.audience import mailing_list
from tests.browser.watched import Watched
from tests.fakes.foreign_site import ForeignSite
from tests.makers import studio
from tests.makers.shapes import Shop

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(180)]
_BESIDE = ("Bread club", "Evenings")


def _boxes(place: Page | FrameLocator) -> Locator:
    return place.locator("input[type=checkbox]:visible")


def _demand_three_empty(place: Page | FrameLocator) -> None:
    _boxes(place).first.wait_for()
    assert [box.is_checked() for box in _boxes(place).all()] == [False] * 3


def _demand_ticked(shop: Shop, *counts: int) -> None:
    assert [len(row.list_ids or []) for row in shop.rows()] == list(counts)


@pytest.mark.parametrize("spoken", ["da", "pl", "en"])
def test_the_page_in_three_languages(people: Watched, shop: Shop, spoken: str) -> None:
    link = shop.found(spoken, *_BESIDE)["link"]
    with people.context() as hers:
        page = hers.new_page()
        page.goto(link)
        _demand_three_empty(page)
        people.inspect(page, "a form with boxes")
        page.locator("#email").fill("anna@reader.example")
        page.keyboard.press("Enter")
        page.locator("#purpose-wrong").wait_for()
        assert page.locator("#email").input_value() == "anna@reader.example"
        assert _boxes(page).first.evaluate("box => box === document.activeElement")
        people.inspect(page, "nothing ticked")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        page.locator("#code").fill(shop.code())
        people.inspect(page, "look into your mail")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for(state="detached")
        assert "Evenings" in page.locator("main").inner_text()
        assert "Bread club" not in page.locator("h1").inner_text()
        people.inspect(page, "on both lists")
    _demand_ticked(shop, 2)
    people.demand_calm()


def test_the_component_on_a_strangers_site(people: Watched, shop: Shop, bakery: ForeignSite) -> None:
    address = bakery.paste(shop.found("en", *_BESIDE)["component"])
    with people.context() as hers:
        page = hers.new_page()
        page.goto(address)
        page.locator("listkeeper-form #email").wait_for()
        _demand_three_empty(page)
        page.locator("#email").fill("anna@reader.example")
        page.keyboard.press("Enter")
        page.locator("#wrong").wait_for()
        assert page.evaluate("document.activeElement.shadowRoot.activeElement.type") == "checkbox"
        people.inspect(page, "component, nothing ticked")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.locator("#code").wait_for()
        page.locator("#code").fill(shop.code())
        page.keyboard.press("Enter")
        page.locator("#code").wait_for(state="detached")
        assert "Evenings" in page.locator("listkeeper-form .title").inner_text()
    _demand_ticked(shop, 1)
    people.demand_calm()


def test_the_frame_and_the_pasted_form_without_a_script(people: Watched, shop: Shop, bakery: ForeignSite) -> None:
    snippets = shop.found("en", *_BESIDE)
    with people.context() as hers:
        page = hers.new_page()
        page.goto(bakery.paste(snippets["frame"], "/frame"))
        frame = page.frame_locator("iframe")
        _demand_three_empty(frame)
        frame.locator("#email").fill("one@reader.example")
        frame.locator("button:visible").first.click()
        frame.locator("#purpose-wrong").wait_for()
        _boxes(frame).nth(1).check()
        frame.locator("button:visible").first.click()
        frame.locator("#code").wait_for()
        page.goto(bakery.paste(snippets["html"], "/html"))
        _demand_three_empty(page)
        page.locator("[name=email]").fill("two@reader.example")
        _boxes(page).nth(0).check()
        _boxes(page).nth(2).check()
        page.locator("button:visible").first.click()
        page.locator("#code").wait_for()
    _demand_ticked(shop, 1, 2)
    people.demand_calm()


# By how many pixels the words beside each box reach into the note below them.
_WORDS_ON_NOTES = """() => [...document.querySelectorAll("label > [type=checkbox] + small")].map((note) => {
  const words = [...note.parentElement.childNodes].find((node) => node.nodeType === 3 && node.textContent.trim());
  const range = document.createRange();
  range.selectNodeContents(words);
  return Math.round(range.getBoundingClientRect().bottom - note.getBoundingClientRect().top);
})"""


def test_an_owner_puts_another_list_on_the_form(people: Watched, shop: Shop) -> None:
    shop.found()
    with shop.app.app_context(), store.transaction() as session:
        mailing_list.create(session, studio.the_cafe(session).organisation, name="Bread club")
    with people.context() as hers:
        page = hers.new_page()
        page.goto(f"{shop.site}/studio/enter/{studio.fresh_link(shop.app)}")
        page.get_by_role("main").get_by_role("button").first.click()
        page.goto(f"{shop.site}/studio/forms/{shop.form}/draft")
        beside = page.evaluate(_WORDS_ON_NOTES)
        assert len(beside) == 5
        assert max(beside) <= 2
        page.get_by_text("Other lists on this form").click()
        page.get_by_label("Bread club").select_option(index=1)
        people.inspect(page, "another list on the form")
        page.get_by_role("button", name="Publish…").click()
        page.get_by_text("may send me Bread club").first.wait_for()
        people.inspect(page, "what changes")
        page.get_by_role("button", name="Publish this version").click()
        page.goto(f"{shop.site}/f/{shop.slug}")
        assert _boxes(page).count() == 2
    people.demand_calm()
