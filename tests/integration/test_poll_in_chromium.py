"""The pages of a poll and of a renewal in the machine's Chromium: axe, both schemes, 320 px, targets, no script."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import renewal_link, subscription
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import campaign, revision
from listkeeper.campaigns.revision import Draft
from listkeeper.feedback.poll import PollAnswer
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import document
from listkeeper.rendering.document import Mode
from listkeeper.sending import poll_link
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.browser.watched import NARROWEST, watched
from tests.makers import cafe
from tests.makers.cafe import Cafe

pytestmark = [pytest.mark.whole_program, pytest.mark.timeout(180)]

BLOCK = "b0123456789"
_SMALLEST_TARGET = 48
_TARGETS = """[...document.querySelectorAll("main button, main a, label.tick")]
    .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect().height])
    .filter(([, height]) => height < %d)"""
_WEIGHT = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def _letter(session: Session, house: Cafe, person: Subscriber) -> int:
    poll = {
        "id": BLOCK,
        "type": "poll",
        "question": "Co pieczemy w sobotę, kiedy wszyscy jeszcze śpią?",
        "answers": [{"text": "Bułki z kardamonem"}, {"text": "Chleb żytni na zakwasie, taki jak u babci"}],
    }
    words = Draft("Bułki", "", mode=Mode.BLOCKS, blocks=document.blocks_of([poll]))
    made = campaign.create(session, house.organisation, house.mailing_list, words)
    session.flush()
    chosen = campaign.newest(session, made)
    revision.compile_now(session, chosen, house.organisation, house.mailing_list, "https://letters.cafe.example")
    row = Delivery(
        organisation_id=house.organisation.id,
        message_class=MessageClass.MARKETING,
        lane=Lane.SENDING,
        occasion="poll:1",
        state=DeliveryState.ACCEPTED,
        campaign_id=made.id,
        revision_id=chosen.id,
        subscriber_id=person.id,
        list_id=house.mailing_list.id,
    )
    session.add(row)
    session.flush()
    return row.id


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A café that speaks Polish: a letter with a poll, and a permission that ends."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session, spoken="pl", list_name="Wiadomości z piekarni")
        house.organisation.brand_colour = "#ffe9a8"
        anna = cafe.subscribe(session, house, "anna@shop.example")
        bo = cafe.sign_up(session, house, "bo@shop.example")
        current = subscription.of(session, anna.id, house.mailing_list.id)
        assert current is not None
        current.valid_until = clock.now() + timedelta(days=7)
        number = _letter(session, house, anna)
        return {
            "poll": f"/poll/{poll_link.token_of(number, BLOCK, 1)}",
            "poll over": f"/poll/{poll_link.token_of(number, BLOCK, 5)}",
            "renew": f"/renew/{renewal_link.token_of(anna.id, house.mailing_list.id)}",
            "renew by the form": f"/renew/{renewal_link.token_of(bo.subscriber_id, house.mailing_list.id)}",
            "renew preview": "/renew/preview",
        }


def _look(page: Page, name: str, pictures: Path) -> None:
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    assert page.evaluate(_TARGETS % _SMALLEST_TARGET) == [], name
    assert page.evaluate(_WEIGHT) <= 15 * 1024, name
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)


def test_every_page_is_calm(chromium: Path, site: str, pages: dict[str, str], tmp_path: Path) -> None:
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        for name, path in pages.items():
            page.goto(f"{site}{path}")
            people.inspect(page, name)
            _look(page, name, tmp_path)
        for name in ("poll", "renew"):
            page.goto(f"{site}{pages[name]}")
            page.get_by_role("button").first.click()
            people.inspect(page, f"{name} done")
            _look(page, f"{name} done", tmp_path)
            page.goto(f"{site}{pages[name]}")
            people.inspect(page, f"{name} again")
        assert reader.cookies() == []
        people.demand_calm()


def test_she_answers_without_script_and_by_keyboard(
    app: Flask, chromium: Path, site: str, pages: dict[str, str]
) -> None:
    with watched(chromium) as people, people.context(javascript=False) as reader:
        page = reader.new_page()
        page.goto(f"{site}{pages['poll']}")
        expect(page.get_by_role("radio").nth(1)).to_be_checked()
        page.get_by_role("radio").nth(1).focus()
        page.keyboard.press("ArrowUp")
        expect(page.get_by_role("radio").nth(0)).to_be_checked()
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.goto(f"{site}{pages['renew']}")
        page.get_by_role("button").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        people.demand_calm()
    with app.app_context(), store.reading() as session:
        assert list(session.scalars(select(PollAnswer.choice))) == [0]
        held = subscription.of(session, session.scalars(select(PollAnswer.subscriber_id)).one() or 0, 1)
        assert held is not None
        assert (held.valid_until, held.renewed_at is not None) == (None, True)
