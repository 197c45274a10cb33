"""Nothing typed is lost: two tabs, a broken line, an ended session, a hurried press, a browser without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.fakes import running_up
from tests.fakes.running_up import Running

pytestmark = pytest.mark.whole_program

# Chromium calls every answer of 400 and above an error, and here they are part of the story; so this browser is not
# watched. The screens themselves are, in the first ten minutes.


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    """A plain Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def hers(browser: Browser, instance: Running) -> BrowserContext:
    """The owner's browser, signed in, with the business named."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(instance.greeting["sign_in"])
    page.get_by_role("main").get_by_role("button").first.click()
    page.locator("[name=legal_name]").fill("Café Kardemomme")
    page.locator("[name=postal_address]").fill("Havnegade 1\n1058 Copenhagen")
    page.locator("[name=from_address]").fill("hello@cafe.example")
    page.get_by_role("button", name="Make my list").click()
    page.close()
    return context


@pytest.fixture
def letter(hers: BrowserContext, instance: Running) -> Page:
    """A page on which a letter is being written."""
    page = hers.new_page()
    page.goto(f"http://localhost:{instance.port}/studio/letters/new")
    page.get_by_role("button", name="Write").click()
    page.wait_for_url(re.compile("/studio/letters/cmp_"))
    return page


def state(page: Page, wanted: str) -> None:
    expect(page.locator("[data-state]")).to_have_attribute("data-state", wanted, timeout=20_000)


def stored(page: Page) -> tuple[str, str]:
    """Return subject and letter as the server would show them to somebody else."""
    fresh = page.context.new_page()
    fresh.goto(page.url.split("/send")[0])
    found = fresh.locator("#subject").input_value(), fresh.locator("#markdown").input_value()
    fresh.close()
    return found


@pytest.mark.timeout(180)
def test_nothing_typed_is_lost(hers: BrowserContext, letter: Page, instance: Running) -> None:
    _saves_by_itself_and_shows_the_preview(letter)
    _two_tabs(hers, letter)
    _a_broken_line(hers, letter)
    _a_hurried_press(letter)
    _an_ended_session(hers, letter, instance)


def _saves_by_itself_and_shows_the_preview(page: Page) -> None:
    page.locator("#subject").fill("Rye bread")
    page.locator("#markdown").fill("# Rye\n\nDark and *sour*.")
    state(page, "saved")
    assert stored(page) == ("Rye bread", "# Rye\n\nDark and *sour*.")
    expect(page.frame_locator("iframe").first.get_by_role("heading", name="Rye")).to_be_visible()


def _two_tabs(hers: BrowserContext, page: Page) -> None:
    other = hers.new_page()
    other.goto(page.url)
    other.locator("#markdown").fill("# From the other tab")
    state(other, "saved")
    other.close()
    page.locator("#markdown").fill("# Mine")
    state(page, "elsewhere")
    expect(page.locator("#theirs")).to_have_value("# From the other tab")
    expect(page.locator("#markdown")).to_have_value("# Mine")
    assert stored(page)[1] == "# From the other tab"
    page.get_by_role("button", name="Keep my text").click()
    state(page, "saved")
    assert stored(page)[1] == "# Mine"


def _a_broken_line(hers: BrowserContext, page: Page) -> None:
    hers.set_offline(True)
    page.locator("#markdown").fill("# Mine, in a tunnel")
    state(page, "offline")
    page.locator("#markdown").fill("# Mine, out of the tunnel")
    hers.set_offline(False)
    state(page, "saved")
    assert stored(page)[1] == "# Mine, out of the tunnel"


def _a_hurried_press(page: Page) -> None:
    page.locator("#subject").fill("Typed a moment ago")
    page.get_by_role("main").get_by_role("button", name=re.compile("Send…")).click()
    page.wait_for_url(re.compile("/send$"))
    expect(page.get_by_role("heading", name="Typed a moment ago")).to_be_visible()
    page.go_back()


def _an_ended_session(hers: BrowserContext, page: Page, instance: Running) -> None:
    address = page.url
    page.goto(address)
    away = hers.new_page()
    away.goto(address)
    away.get_by_role("button", name="Sign out").first.click()
    away.wait_for_url(re.compile("/sign-in"))
    page.locator("#subject").fill("Written while signed out")
    state(page, "refused")
    expect(page.locator("#subject")).to_have_value("Written while signed out")
    # Coming back by the link that a command prints gives the session another token; the page finds it by itself.
    away.goto(_link(instance))
    away.get_by_role("main").get_by_role("button").first.click()
    page.locator("#subject").fill("Written after signing in again")
    state(page, "saved")
    assert stored(page)[0] == "Written after signing in again"


def _link(instance: Running) -> str:
    said = running_up.command("link", "--data", str(instance.data)).stdout.strip().split()[-1]
    return f"http://localhost:{instance.port}/studio/" + said.split("/studio/")[1]


@pytest.mark.timeout(120)
def test_a_letter_is_written_without_script(browser: Browser, hers: BrowserContext, letter: Page) -> None:
    address, kept = letter.url, hers.storage_state()
    plain = browser.new_context(java_script_enabled=False, storage_state=kept)
    page, other = plain.new_page(), plain.new_page()
    for each in (page, other):
        each.goto(address)
    page.locator("#subject").fill("Without script")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    other.locator("#subject").fill("In another tab")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_text("nothing of it is lost")).to_be_visible()
    expect(other.locator("#subject")).to_have_value("In another tab")
    other.get_by_role("button", name="Save", exact=True).click()
    assert stored(page)[0] == "In another tab"
    page.goto(f"{address}/check")
    expect(page.get_by_text("The letter is empty.")).to_be_visible()
