"""Status notices in the machine's Chromium: axe, both schemes, 320 px; told by keyboard, and without a script."""

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
from listkeeper.campaigns import status_notice
from listkeeper.campaigns.status_notice import News, StatusNotice, StatusUpdate, UpdateState
from listkeeper.foundation import clock
from tests.browser.served import served
from tests.browser.watched import DESK, PHONE, watched
from tests.makers import cafe, trouble

pytestmark = pytest.mark.whole_program

LONG = "Vi leder efter årsagen, " * 20 + "https://example.example/" + "a" * 150


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application on loopback, with trouble that is overdue, some that is over, and a list that hears of it."""
    with app.app_context(), store.transaction() as session:
        _fill(session)
    with served(app) as place:
        yield place


def _fill(session: Session) -> None:
    house = cafe.found(session)
    room = trouble.room(session, house)
    cafe.subscribe(session, room, "anna@guest.example")
    late = trouble.begun(session, house, clock.now() + timedelta(hours=1)).notice
    news = News(LONG, UpdateState.KNOWN, clock.now() + timedelta(hours=2))
    status_notice.update(session, late, news, actor=house.owner.actor)
    late.next_update_at = clock.now() - timedelta(minutes=5)
    over = trouble.begun(session, house).notice
    status_notice.resolve(session, over, "It works again.", actor=house.owner.actor)


def _enter(app: Flask, page: Page, site: str) -> None:
    with app.app_context(), store.transaction() as session:
        token = sign_in_link.make(session, user.first(session))
    page.goto(f"{site}/studio/enter/{token}")
    page.locator("main button").first.click()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_of_them_in_both_schemes(app: Flask, site: str, chromium: Path, size: dict[str, int]) -> None:
    with watched(chromium) as opened, opened.context(size=size) as person:
        page = person.new_page()
        _enter(app, page, site)
        for path in ("", "/new"):
            page.goto(f"{site}/studio/notices{path}")
            opened.inspect(page, f"notices{path}")
        page.get_by_role("button", name="Look at it").click()
        page.get_by_role("button", name="Tell 1 person").wait_for()
        opened.inspect(page, "a notice that is looked at")
        page.goto(f"{site}/studio/notices")
        page.get_by_role("link", name="The till").first.click()
        opened.inspect(page, "a notice")
        page.goto(f"{site}/studio/")
        opened.inspect(page, "home")
        for path in ("/status", f"/status/{_first(app)}"):
            page.goto(f"{site}{path}")
            opened.inspect(page, path)
        opened.demand_calm()


def _first(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return session.scalars(select(StatusNotice.public_id).order_by(StatusNotice.id)).first() or ""


@pytest.mark.timeout(180)
def test_it_is_told_by_keyboard_and_without_a_script(app: Flask, site: str, chromium: Path) -> None:
    with watched(chromium) as opened, opened.context(javascript=False) as person:
        page = person.new_page()
        _enter(app, page, site)
        page.goto(f"{site}/studio/notices/new")
        page.get_by_label("What is it about?").fill("The oven is cold")
        page.get_by_label("What you know").fill("We wait for a *spare part*.")
        page.get_by_label("How, in one line").fill("No bread before noon.")
        page.get_by_role("button", name="Look at it").press("Enter")
        page.get_by_role("button", name="Tell 1 person").press("Enter")
        page.get_by_role("heading", name="What was told").wait_for()
        page.goto(f"{site}/status")
        page.get_by_role("link", name="The oven is cold").click()
        assert page.locator("em").inner_text() == "spare part"
        opened.demand_calm()
    with app.app_context(), store.reading() as session:
        told = session.scalars(select(StatusUpdate).order_by(StatusUpdate.id.desc())).first()
        assert told is not None
        assert told.campaign_id is not None
