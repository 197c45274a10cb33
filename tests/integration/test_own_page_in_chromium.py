"""A person's own page on a phone: from the entry page through her mailbox to being forgotten, watched by axe."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page

from listkeeper.foundation.outbox import Lane
from tests.browser.watched import NARROWEST, Watched, watched
from tests.fakes.smtp_sink import SmtpSink
from tests.makers.own import Guest
from tests.makers.works import HER, Works

pytestmark = pytest.mark.whole_program

_SMALLEST_TARGET = 48
_TARGETS = """[...document.querySelectorAll("button, a, select, textarea, input:not([type=hidden])")]
    .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect().height])
    .filter(([, height]) => height < %d)"""
_WEIGHT = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest.fixture
def her(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> Guest:
    """Somebody on the list of a café with a loud colour, with letters in her mailbox."""
    guest = Guest(works, smtp_sink, client)
    works.write(lambda _session, house: setattr(house.organisation, "brand_colour", "#ffe9a8"))
    guest.subscribe()
    return guest


@dataclass
class Phone:
    """Her phone, on which every page is looked at: by axe, at 320 px, on the scales, and in a picture."""

    page: Page
    site: str
    people: Watched
    pictures: Path

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(f"{self.site}{path}" if path.startswith("/") else path)

    def press(self, button: str = "button") -> None:
        """Press the first button that a selector finds."""
        self.page.locator(button).first.click()

    def look(self, name: str) -> None:
        """Look at the page that is open."""
        self.people.inspect(self.page, name)
        self.page.set_viewport_size({"width": NARROWEST, "height": 640})
        assert self.page.evaluate(_TARGETS % _SMALLEST_TARGET) == [], name
        self.page.set_viewport_size({"width": 390, "height": 844})
        assert self.page.evaluate(_WEIGHT) <= 15 * 1024, name
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)


@pytest.fixture
def phone(chromium: Path, site: str, tmp_path: Path) -> Iterator[Phone]:
    """A browser without cookies; whatever was wrong on any page fails the test at its end."""
    with watched(chromium) as people, people.context() as reader:
        yield Phone(reader.new_page(), site, people, tmp_path)
        assert reader.cookies() == []
        people.demand_calm()


@pytest.mark.timeout(180)
def test_she_chooses_leaves_says_why_and_comes_back(phone: Phone, her: Guest) -> None:
    letter = her.get_letter()
    phone.open(letter["y"])
    phone.look("why")
    phone.open(letter["p"])
    phone.look("choices")
    phone.page.locator("#frequency").select_option("monthly")
    phone.press("form:has(#frequency) button")
    phone.look("saved")
    phone.press("form:has(#days) button")
    phone.look("paused")
    phone.open(letter["u"])
    phone.look("leave")
    phone.press("form[action$='everything'] button")
    phone.look("goodbye")
    phone.page.locator("#why").select_option("too_many")
    phone.page.locator("#words").fill("write to me@here.example")
    phone.press("form:has(#why) button")
    phone.look("reason-wrong")
    phone.page.locator("#words").fill("Every day is too much")
    phone.press("form:has(#why) button")
    phone.look("reason")
    phone.press("form[action$='undo'] button")
    phone.look("back")


@pytest.mark.timeout(180)
def test_she_sees_takes_home_and_is_forgotten(phone: Phone, her: Guest) -> None:
    for number in range(3):
        her.get_letter(f"Cardamom buns {number}")
    # The widest alphabet and the longest words we speak.
    her.works.write(lambda session, _house: setattr(her.person(session), "language", "ru"))
    own = _enter(phone, her)
    for name in ("lists/", "messages", "history"):
        phone.open(own)
        phone.press(f"a[href*='{name}']")
        phone.look(f"own-{name.strip('/')}")
    phone.open(own)
    phone.press("a[href*='lists/']")
    phone.press("form[action$='/seen'] button")
    phone.look("own-seen")
    phone.press("form[action$='/unseen'] button")
    phone.page.wait_for_selector("form[action$='/seen']")
    phone.open(own)
    phone.press("a[href*='history']")
    while not phone.page.locator("input[name=event]").count():
        phone.page.locator("a[href*='page=']").last.click()
    phone.look("own-history-end")
    phone.press("form[action$='receipt'] button")
    phone.look("own-receipt")
    phone.open(own)
    with phone.page.expect_download() as taken:
        phone.press("form[action$='download'] button")
    assert "proof.zip" in zipfile.ZipFile(taken.value.path()).namelist()
    phone.page.evaluate("document.querySelector('form[action$=address]').noValidate = true")
    phone.page.get_by_role("textbox").fill("no-address")
    phone.press("form[action$='address'] button")
    phone.look("own-wrong-address")
    for name in ("erase", "erase-sure", "erased"):
        if name == "erase":
            phone.open(f"{own}/erase")
        else:
            phone.press()
        phone.look(name)


def _enter(phone: Phone, her: Guest) -> str:
    """Come in by the entry page and the mailbox; return where her page is."""
    phone.open("/me")
    phone.look("entry")
    phone.page.get_by_role("textbox").fill(HER)
    phone.press()
    phone.look("link-sent")
    her.works.work(Lane.URGENT, 2)
    phone.open(her.links()["me"])
    phone.look("open")
    phone.press()
    phone.look("own")
    return phone.page.url
