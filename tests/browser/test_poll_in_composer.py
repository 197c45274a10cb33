"""A poll and the system blocks at the composer, on a telephone and without script: placed, coloured and seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import composing
from tests.browser.composing import Studio
from tests.browser.watched import PHONE, Watched

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(120)]


def test_a_poll_is_asked_by_touch(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(size=PHONE) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        for kind in ("guidance", "poll"):
            page.locator("[data-add=last]").tap()
            page.locator(f"#ask-kind [value='kind:{kind}']").tap()
        poll, guidance = (page.locator(f"[data-blocks] > [data-type={kind}]") for kind in ("poll", "guidance"))
        poll.get_by_label("Question").fill("Which bun?")
        for number, words in ((1, "Blueberry"), (2, "Cinnamon")):
            poll.get_by_label(f"Answer {number}", exact=True).fill(words)
        if not guidance.get_by_label("Background").is_visible():
            guidance.locator("summary").first.tap()
        guidance.get_by_label("Background").select_option("tinted")
        expect(guidance.get_by_role("button", name="Copy")).to_have_count(0)
        composing.demand_state(page, "saved")
        people.inspect(page, "a poll on a phone")
        poll.locator("summary").first.tap()
        expect(poll.locator("[data-said]")).to_have_text("Which bun?")
        page.get_by_role("link", name="See").tap()
        frame = page.frame_locator("iframe").first
        answer = frame.get_by_role("link", name="Cinnamon")
        expect(answer).to_be_visible()
        # In a preview it leads to the page that says it is one.
        assert str(answer.get_attribute("href")).endswith("/w/preview")
        box = answer.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    blocks = studio.stored(path)["blocks"]
    assert [block["type"] for block in blocks] == ["guidance", "poll"]
    assert blocks[0]["tone"] == "tinted"
    assert blocks[1]["answers"] == [{"text": "Blueberry"}, {"text": "Cinnamon"}]


def test_a_second_place_for_the_same_is_refused_in_words(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(size=PHONE) as hers:
        composing.enter(hers, site, studio.entrance())
        page = composing.opened(hers, site + path)
        for _ in range(2):
            page.locator("[data-add=last]").tap()
            page.locator("#ask-kind [value='kind:question']").tap()
        expect(page.get_by_text("The letter has this block already.").first).to_be_visible()
    assert [block["type"] for block in studio.stored(path)["blocks"]] == ["question"]


def test_a_poll_is_asked_without_script(people: Watched, studio: Studio, site: str) -> None:
    path = studio.letter()
    with people.context(javascript=False, size=PHONE) as hers:
        composing.enter(hers, site, studio.entrance())
        page = hers.new_page()
        page.goto(site + path)
        page.locator("summary", has_text="Add a block").click()
        page.locator("#add-type").select_option("poll")
        page.get_by_role("button", name="Add it").click()
        page.locator("[data-blocks] > [data-type=poll] summary").first.click()
        poll = page.locator("[data-blocks] > [data-type=poll]")
        poll.get_by_label("Question").fill("Which bun?")
        poll.get_by_label("Answer 1", exact=True).fill("Blueberry")
        poll.get_by_label("Answer 4", exact=True).fill("Cinnamon")
        poll.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("[data-blocks] > [data-type=poll] [data-said]")).to_have_text("Which bun?")
    [block] = studio.stored(path)["blocks"]
    assert block["answers"] == [{"text": "Blueberry"}, {"text": "Cinnamon"}]
