"""Nothing is lost and nothing is stored twice: a bad line, two tabs, a tab that dies, no line, an ended session."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect, sync_playwright

from listkeeper.rendering.document import HeadingBlock, TextBlock
from tests.browser import composing
from tests.browser.composing import Studio
from tests.browser.served import served
from tests.fakes import lossy_line
from tests.fakes.lossy_line import Line

# Chromium calls every answer of 400 and above, and every lost one, an error, and here they are part of the story; so
# this browser is not watched. The screens themselves are, in test_composer.py.
pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(400)]

_HEADING, _TEXT = "b0000000001", "b0000000002"


@pytest.fixture
def line(app: Flask, studio: Studio, chance: random.Random) -> Iterator[Line]:
    """A line to the application, good until a test makes it bad."""
    with served(app) as place, lossy_line.laid(place, chance) as laid:
        yield laid


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    """A plain Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def hers(browser: Browser, line: Line, studio: Studio) -> BrowserContext:
    """The owner's browser, signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    composing.enter(context, line.address, studio.entrance())
    return context


@pytest.fixture
def path(studio: Studio) -> str:
    """A letter of two blocks."""
    return studio.letter(blocks=(HeadingBlock(id=_HEADING, text="Rye"), TextBlock(id=_TEXT, html="<p>Dark.</p>")))


def _opened(block: Locator) -> Locator:
    if block.locator("details").first.get_attribute("open") is None:
        block.locator("summary").first.click()
    return block


def _field(page: Page, block: str, name: str) -> Locator:
    return _opened(page.locator(f"[data-block={block}]")).locator(f"[name={name}]")


def _heading(studio: Studio, path: str) -> str:
    return str(studio.stored(path)["blocks"][0].get("text"))


def test_a_line_that_loses_three_in_ten_loses_no_edit_and_doubles_none(
    hers: BrowserContext, line: Line, studio: Studio, path: str, share: Callable[[str, int, int], int]
) -> None:
    page = composing.opened(hers, line.address + path)
    begun = studio.version(path)
    _count_arrivals(page)
    line.loss = 0.3
    edits = share("edits over a bad line", 200, 20)
    arrived = 0
    for edit in range(edits):
        _edit(page, edit, line.chance)
        if edit == edits // 2:
            # The page is loaded anew with changes that are still under way.
            arrived += int(page.evaluate("window.arrived"))
            line.loss = 0
            page.reload()
            composing.demand_alive(page)
            _count_arrivals(page)
            line.loss = 0.3
    composing.demand_state(page, "saved", within=200)
    shown = page.evaluate("document.querySelector('lk-letter').document")
    found = studio.stored(path)
    assert (found["subject"], found["blocks"]) == (shown["subject"], shown["blocks"])
    assert line.lost_before > 0
    assert line.lost_after > 0
    # What was sent before the reload and answered after it has arrived once, and was counted by neither page.
    assert 0 <= studio.version(path) - begun - arrived - page.evaluate("window.arrived") <= 1


def _count_arrivals(page: Page) -> None:
    page.evaluate("""() => {
        const {queue} = document.querySelector('lk-letter');
        const told = queue.told;
        window.arrived = 0;
        queue.told = (said) => { if (said.kind === 'arrived') window.arrived += 1; told(said); };
    }""")


def _edit(page: Page, edit: int, chance: random.Random) -> None:
    blocks = page.locator("[data-blocks] > [data-block]")
    match edit % 5:
        case 0:
            composing.add(page, "heading").locator("[name=text]").fill(f"Heading {edit}")
        case 1:
            page.locator("#subject").fill(f"Subject {edit}")
        case 2:
            _opened(blocks.last).locator("[data-do=up]").click()
        case 3:
            _opened(blocks.nth(chance.randrange(blocks.count()))).locator("[data-do=copy]").click()
        case _:
            _opened(blocks.nth(chance.randrange(blocks.count()))).locator("[data-do=remove]").click()
    page.wait_for_timeout(chance.randrange(0, 400))


def test_two_tabs_see_each_other_and_lose_nothing(hers: BrowserContext, line: Line, studio: Studio, path: str) -> None:
    mine, other = (composing.opened(hers, line.address + path) for _ in range(2))
    _field(other, _HEADING, "text").fill("Their heading")
    composing.demand_state(other, "saved")
    mine.bring_to_front()
    mine.locator("#subject").fill("My subject")
    composing.demand_state(mine, "elsewhere")
    expect(mine.locator("[data-differences]")).to_contain_text("Their heading")
    assert studio.stored(path)["subject"] == ""
    mine.get_by_role("button", name="Keep mine too").click()
    composing.demand_state(mine, "saved")
    assert (studio.stored(path)["subject"], _heading(studio, path)) == ("My subject", "Their heading")
    expect(_field(mine, _HEADING, "text")).to_have_value("Their heading")
    _theirs_is_taken(mine, other)
    _a_block_is_gone(mine, composing.opened(hers, line.address + path))
    assert [block["html"] for block in studio.stored(path)["blocks"] if "html" in block] == ["<p>Dark.Mine</p>"]


def _theirs_is_taken(mine: Page, other: Page) -> None:
    other.reload()
    other.locator("#preheader").fill("Theirs")
    composing.demand_state(other, "saved")
    mine.locator("#preheader").fill("Mine")
    composing.demand_state(mine, "elsewhere")
    mine.get_by_role("button", name="Take the stored one").click()
    expect(mine.locator("#preheader")).to_have_value("Theirs")
    composing.demand_state(mine, "saved")


def _a_block_is_gone(mine: Page, other: Page) -> None:
    _field(other, _TEXT, "html")
    other.locator(f"[data-block={_TEXT}] [data-do=remove]").click()
    composing.demand_state(other, "saved")
    mine.bring_to_front()
    _field(mine, _TEXT, "html")
    mine.locator(f"[data-block={_TEXT}] .rich").click()
    mine.keyboard.press("End")
    mine.keyboard.type("Mine")
    composing.demand_state(mine, "elsewhere")
    mine.get_by_role("button", name="Keep mine too").click()
    mine.get_by_role("button", name="Put it back").click()
    composing.demand_state(mine, "saved")


def test_a_tab_that_dies_leaves_what_was_written_to_the_next(
    hers: BrowserContext, line: Line, studio: Studio, path: str
) -> None:
    page = composing.opened(hers, line.address + path)
    hers.set_offline(offline=True)
    _field(page, _HEADING, "text").fill("Written before the crash")
    composing.add(page, "button").locator("[name=label]").fill("Press")
    page.wait_for_timeout(300)
    with pytest.raises(Error):
        page.goto("chrome://crash")
    page.close()
    hers.set_offline(offline=False)
    assert _heading(studio, path) == "Rye"
    page = composing.opened(hers, line.address + path)
    expect(page.locator("[data-notes]")).to_contain_text("Changes from before that had not been sent: 2.")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("[data-notes] li").first).to_have_text("Heading: Written before the crash")
    composing.demand_state(page, "saved")
    expect(_field(page, _HEADING, "text")).to_have_value("Written before the crash")
    assert _heading(studio, path) == "Written before the crash"
    assert studio.stored(path)["blocks"][-1]["label"] == "Press"
    page.get_by_role("button", name="Throw away").click()
    composing.demand_state(page, "saved")
    expect(page.locator("[data-blocks] > [data-block]")).to_have_count(2)
    assert _heading(studio, path) == "Rye"


def test_without_a_line_one_writes_on_and_it_is_sent_later(
    hers: BrowserContext, line: Line, studio: Studio, path: str, share: Callable[[str, int, int], int]
) -> None:
    page = composing.opened(hers, line.address + path)
    hers.set_offline(offline=True)
    _field(page, _HEADING, "text").fill("Mine, in a tunnel")
    composing.demand_state(page, "offline")
    expect(page.locator("[data-state]")).to_have_text("No connection: kept on this device")
    composing.add(page, "quote")
    page.keyboard.type("Said in the dark")
    page.locator("[data-type=quote] [data-do=up]").click()
    page.get_by_role("button", name=re.compile("Send…")).click()
    expect(page.locator("[data-notes]")).to_contain_text("Not everything is saved yet", timeout=30_000)
    page.wait_for_timeout(1000 * share("seconds without a line", 60, 2))
    hers.set_offline(offline=False)
    composing.demand_state(page, "saved")
    found = studio.stored(path)["blocks"]
    assert [block["type"] for block in found] == ["heading", "quote", "text"]
    assert (found[0]["text"], found[1]["html"]) == ("Mine, in a tunnel", "<p>Said in the dark</p>")


def test_a_browser_that_keeps_nothing_says_so(hers: BrowserContext, line: Line, studio: Studio, path: str) -> None:
    hers.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('refused', 'SecurityError'); };")
    page = composing.opened(hers, line.address + path)
    page.locator("#subject").fill("Saved all the same")
    composing.demand_state(page, "saved")
    hers.set_offline(offline=True)
    page.locator("#subject").fill("Nowhere but here")
    composing.demand_state(page, "offline")
    expect(page.locator("[data-state]")).to_have_text(
        "No connection, and this browser keeps nothing: leave this page open"
    )
    assert studio.stored(path)["subject"] == "Saved all the same"


def test_a_hurried_press_and_an_ended_session_lose_nothing(
    hers: BrowserContext, line: Line, studio: Studio, path: str
) -> None:
    page = composing.opened(hers, line.address + path)
    page.locator("#subject").fill("Typed a moment ago")
    page.get_by_role("button", name=re.compile("Send…")).click()
    page.wait_for_url(re.compile("/send$"))
    assert studio.stored(path)["subject"] == "Typed a moment ago"
    page.go_back()
    composing.demand_alive(page)
    away = hers.new_page()
    away.goto(f"{line.address}/studio/")
    away.get_by_role("button", name="Sign out").first.click()
    away.wait_for_url(re.compile("/sign-in"))
    page.bring_to_front()
    page.locator("#subject").fill("Written while signed out")
    composing.demand_state(page, "refused")
    composing.enter(hers, line.address, studio.entrance())
    page.bring_to_front()
    page.locator("#subject").fill("Written after signing in again")
    composing.demand_state(page, "saved")
    assert studio.stored(path)["subject"] == "Written after signing in again"


def test_what_cannot_be_stored_holds_up_nothing_else(
    hers: BrowserContext, line: Line, studio: Studio, path: str
) -> None:
    page = composing.opened(hers, line.address + path)
    spacer = composing.add(page, "spacer").locator("[name=height]")
    composing.demand_state(page, "saved")
    spacer.fill("4000")
    composing.demand_state(page, "refused")
    expect(page.locator("[data-state]")).to_contain_text("height")
    page.locator("#subject").fill("Goes on")
    for _ in range(50):
        if studio.stored(path)["subject"] == "Goes on":
            break
        page.wait_for_timeout(200)
    composing.demand_state(page, "refused")
    spacer.fill("40")
    composing.demand_state(page, "saved")
    found = studio.stored(path)
    assert (found["subject"], json.dumps(found["blocks"][-1]["height"])) == ("Goes on", "40")
