"""Replies in the machine's Chromium: axe, both schemes, 320 px; answered with a keyboard, without script as well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience.thread import Conversation
from listkeeper.feedback import answering, promise
from listkeeper.feedback.promise import Promise
from listkeeper.foundation import clock
from tests.browser.served import served
from tests.browser.watched import DESK, PHONE, watched
from tests.makers import cafe
from tests.makers.letters_in import HER, Postbox, written

pytestmark = pytest.mark.whole_program

LONG = "Kan jeg bestille en kage til lørdag? " * 12 + "https://example.example/" + "a" * 150
QUOTED = "\n\nDen 23. nov. 2026 skrev Café <hello@cafe.example>:\n> The oven is warm from seven.\n"


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on loopback, with people who wait."""
    with app.app_context(), store.transaction() as session:
        _fill(session)
    with served(app) as place:
        yield place


def _fill(session: Session) -> None:
    house = cafe.found(session)
    freja = cafe.subscribe(session, house, HER)
    box = Postbox(session, house)
    old = clock.now() - timedelta(hours=20)
    first = box.begins(written(LONG + QUOTED), box.letter_to(freja), at=old)
    promise.mark(first, Promise(), urgent=True)
    again = answering.answer(session, first, "Ja, hvilken?", actor=house.owner.actor, given=Promise())
    for number, said in enumerate(("Den med kirsebær.", "Er I der?")):
        box.begins(written(said, message_id=f"<a{number}@guest.example>"), again)
    box.begins(written("Afmeld", subject="Stop", message_id="<b@guest.example>"))
    stranger = "Karl med et meget langt navn <karl.med.en.meget.lang.adresse@stranger.example>"
    box.begins(written("<b>Hej</b>", sender=stranger, subject="x" * 150, message_id="<c@s.example>"))


def _enter(app: Flask, page: Page, site: str) -> None:
    with app.app_context(), store.transaction() as session:
        token = sign_in_link.make(session, user.first(session))
    page.goto(f"{site}/studio/enter/{token}")
    page.locator("main button").first.click()
    page.wait_for_url("**/studio/**")


@pytest.mark.timeout(180)
def test_replies_are_read_and_answered(app: Flask, site: str, chromium: Path) -> None:
    with watched(chromium) as people:
        for name, size in (("phone", PHONE), ("desk", DESK)):
            with people.context(size=size, javascript=name == "desk") as context:
                page = context.new_page()
                _enter(app, page, site)
                page.goto(f"{site}/studio/replies")
                if name == "desk":
                    people.inspect(page, "replies")
                for subject in ("Re: Cardamom buns", "Stop", "xxxx"):
                    page.goto(f"{site}/studio/replies")
                    page.get_by_role("link", name=subject).first.click()
                    if name == "desk":
                        people.inspect(page, subject)
                page.goto(f"{site}/studio/replies")
                page.get_by_role("link", name="Re: Cardamom buns").first.click()
                page.get_by_label("Your answer").fill(f"Kom bare, {name}.")
                page.get_by_role("button", name="Send the answer").click()
                page.get_by_text("Your answer is on its way.").wait_for()
                with app.app_context(), store.transaction() as session:
                    found = session.scalars(select(Conversation).order_by(Conversation.id).limit(1)).one()
                    answering.done(session, found)
                    answering.open_again(session, found)
        people.demand_calm()
