"""Every public page in the machine's Chromium: axe, both schemes, 320 px, large targets, nobody else asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import answering, confirmation, unsubscribe
from listkeeper.foundation import signing
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from tests.browser.watched import NARROWEST, watched
from tests.makers import cafe

pytestmark = pytest.mark.whole_program

_SMALLEST_TARGET = 48
_TARGETS = """[...document.querySelectorAll("button, a, select, textarea, input:not([type=hidden])")]
    .filter((element) => !element.closest(".elsewhere"))
    .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect().height])
    .filter(([, height]) => height < %d)"""
_WEIGHT = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest.fixture
def pages(app: Flask, site: str) -> dict[str, str]:
    """A café that speaks Polish, whose words are long, with a letter on its way: names of pages and where they are."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="pl", list_name="Wiadomości z piekarni")
        made.organisation.brand_colour = "#ffe9a8"
        anna = cafe.subscribe(session, made, "anna@gmail.com")
        asked = confirmation.token_of(cafe.sign_up(session, made, "bo@shop.example"))
        planning.send_campaign(session, made.organisation, cafe.draft(session, made), site=site)
        row = session.scalars(select(Delivery).where(Delivery.subscriber_id == anna.id)).one()
        return {
            "front page": "/",
            "form": f"/f/{made.form.slug}?s=ig-bio",
            "confirm": f"/c/{asked}",
            "not me": f"/n/{asked}",
            "no effect": "/c/forged",
            "leave": f"/u/{unsubscribe.token_for(row.id)}",
            "preferences": f"/p/{signing.token('preferences', row.id)}",
            "only a test": "/u/preview",
            "nothing here": "/nowhere",
            "why": f"/y/{signing.token('why', row.id)}",
            "what do you keep": "/me",
            "letter": f"/w/{signing.token('web-view', row.id)}",
        }


@pytest.mark.timeout(180)
def test_how_to_keep_our_mail_is_shown_calmly(app: Flask, chromium: Path, site: str) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="pl")
        joined = [cafe.sign_up(session, made, f"eva@{at}") for at in ("icloud.com", "hotmail.se", "firma.example")]
        for asked in joined:
            answering.confirm(session, confirmation.token_of(asked))
        paths = [f"/c/{confirmation.token_of(asked)}" for asked in joined]
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        for path in (*paths, "/inbox-help", "/inbox-help/gmail?language=de"):
            page.goto(f"{site}{path}")
            for folded in page.locator("summary").all():
                assert (folded.bounding_box() or {"height": 0})["height"] >= _SMALLEST_TARGET
                folded.click()
            page.locator("img").last.scroll_into_view_if_needed()
            assert page.evaluate("[...document.images].every((one) => !one.complete || one.naturalWidth > 0)")
            people.inspect(page, path)
            assert _measure(page) == [], path
        assert reader.cookies() == []
        people.demand_calm()


def _measure(page: Page) -> list[object]:
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    small: list[object] = page.evaluate(_TARGETS % _SMALLEST_TARGET)
    return small


@pytest.mark.timeout(180)
def test_every_page_is_calm(chromium: Path, site: str, pages: dict[str, str]) -> None:
    letter = pages.pop("letter")
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        for name, path in pages.items():
            answer = page.goto(f"{site}{path}")
            assert answer is not None
            if answer.status < 400:
                assert page.evaluate(_WEIGHT) <= 15 * 1024, name
            people.inspect(page, name)
            assert _measure(page) == [], name
        page.goto(f"{site}{letter}")
        assert "Cardamom buns" in page.content()
        assert reader.cookies() == []
        people.faults = [fault for fault in people.faults if "status of 404" not in fault]
        people.demand_calm()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("javascript", [True, False])
def test_a_reader_comes_stumbles_leaves_and_comes_back(
    chromium: Path, site: str, pages: dict[str, str], *, javascript: bool
) -> None:
    with watched(chromium) as people, people.context(javascript=javascript) as reader:
        page = reader.new_page()

        def look(name: str) -> None:
            # axe is a script itself, and measures nothing where scripts are off.
            if javascript:
                people.inspect(page, name)
                assert _measure(page) == [], name

        page.goto(f"{site}{pages['form']}")
        page.get_by_role("textbox").first.fill("eva@shop")
        page.get_by_role("button").click()
        field = page.get_by_role("textbox").first
        assert field.input_value() == "eva@shop"
        assert field.get_attribute("aria-describedby") == "email-wrong"
        look("wrong address")
        field.fill("eva@shop.example")
        page.get_by_role("button").click()
        look("check your mail")
        page.get_by_role("textbox").fill("000000")
        page.get_by_role("button").click()
        look("wrong digits")
        for name in ("confirm", "leave"):
            page.goto(f"{site}{pages[name]}")
            page.get_by_role("button").first.click()
            look(f"after {name}")
        page.get_by_role("button").first.click()
        look("welcome back")
        assert reader.cookies() == []
        people.demand_calm()
