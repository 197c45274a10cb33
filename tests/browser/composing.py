"""A person at the composer: what she presses and types, and what the server has of it."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation, sign_in_link, user
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_change
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.revision import Draft
from listkeeper.rendering.document import Mode
from tests.makers import studio

# However far a press of the Tab key may have to go in a letter of a few blocks.
_FAR = 90


class Studio:
    """The application, seen from behind: letters, and what is stored of them."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def entrance(self) -> str:
        """Return the path of a fresh one-time link."""
        with self.app.app_context(), store.transaction() as session:
            return f"/studio/enter/{sign_in_link.make(session, user.first(session))}"

    def letter(self, mode: Mode = Mode.BLOCKS, **words: Any) -> str:  # noqa: ANN401 - the fields of a draft
        """Begin a letter, and return its path."""
        with self.app.app_context(), store.transaction() as session:
            house = studio.the_cafe(session)
            draft = Draft("", "", mode=mode, **words)
            return (
                f"/studio/letters/{campaigns.create(session, house.organisation, house.mailing_list, draft).public_id}"
            )

    def stored(self, path: str) -> dict[str, Any]:
        """Return the newest words of a letter, as programs read them."""
        with self.app.app_context(), store.reading() as session:
            return letter_change.as_json(campaigns.newest(session, _named(session, path)))

    def version(self, path: str) -> int:
        """Return how many versions a letter had."""
        with self.app.app_context(), store.reading() as session:
            return campaigns.newest(session, _named(session, path)).number


def _named(session: Session, path: str) -> Campaign:
    return campaigns.identified(session, organisation.only_one(session), path.rsplit("/", 1)[-1])


def enter(context: BrowserContext, site: str, entrance: str) -> None:
    """Sign in by a one-time link."""
    page = context.new_page()
    page.goto(f"{site}{entrance}")
    page.locator("main button").first.click()
    page.wait_for_url("**/studio/**")
    page.close()


def opened(context: BrowserContext, address: str) -> Page:
    """Open a letter, and wait until its script has taken it up."""
    page = context.new_page()
    page.goto(address)
    demand_alive(page)
    return page


def demand_alive(page: Page) -> None:
    """Wait until the script of the page has taken the letter up; only it knows whether this device keeps anything."""
    expect(page.locator("[data-state][data-device]")).to_be_visible()


def demand_state(page: Page, wanted: str, *, within: float = 20) -> None:
    """Wait until the page says that the letter is in this state."""
    expect(page.locator("[data-state]")).to_have_attribute("data-state", wanted, timeout=within * 1000)


def add(page: Page, kind: str) -> Locator:
    """Add a block at the end by mouse, and return it."""
    page.locator("[data-add=last]").click()
    page.locator(f"#ask-kind [value='kind:{kind}']").click()
    made = page.locator(f"[data-blocks] > [data-type={kind}]").last
    expect(made.locator(":focus")).to_have_count(1)
    return made


def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until what has this accessible name, or begins with it, has the focus."""
    for _ in range(_FAR):
        if focused(page).startswith(name):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"no way to {name!r} with the keyboard; the focus is on {focused(page)!r}")


def focused(page: Page) -> str:
    """Return what a person would call what has the focus."""
    said = page.evaluate("""() => {
        const here = document.activeElement;
        const by = here.getAttribute('aria-labelledby');
        const label = here.labels?.[0] ?? (by && document.getElementById(by)) ?? here;
        return here.getAttribute('aria-label') ?? label.textContent;
    }""")
    return re.sub(r"\s+", " ", said).strip()


def paste(page: Page, *, html: str = "", text: str = "") -> None:
    """Paste into what has the focus, as from another program."""
    page.evaluate(
        """([html, text]) => {
            const clipboardData = new DataTransfer();
            if (html) clipboardData.setData('text/html', html);
            if (text) clipboardData.setData('text/plain', text);
            const pasted = new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true});
            document.activeElement.dispatchEvent(pasted);
        }""",
        [html, text],
    )


def demand_heard(page: Page, sentence: str) -> None:
    """Wait until a screen reader is told this."""
    expect(page.locator("#live")).to_have_text(sentence)
