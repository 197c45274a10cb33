"""A letter under way in the machine's Chromium: axe, both schemes, 320 px; with script and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import quiet_hours, sign_in_link, user
from listkeeper.audience import subscriber
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import schedule
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.campaigns.schedule import Leaving
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock
from listkeeper.sending import pilot, planning, steering
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.pacing import tempo
from listkeeper.settings import Settings
from tests.browser.served import served
from tests.browser.watched import watched
from tests.makers import cafe, crowd
from tests.makers.cafe import Cafe

pytestmark = pytest.mark.whole_program

_SITE = "http://localhost:8025"


@pytest.fixture
def site(app: Flask, settings: Settings) -> Iterator[str]:
    """The application on loopback."""
    app.config["LISTKEEPER"] = settings.model_copy(update={"hold_minutes": 10})
    with served(app) as place:
        yield place


def _ordered(session: Session, house: Cafe, subject: str, leaves: Leaving) -> Campaign:
    letter = cafe.draft(session, house, subject=subject)
    planning.send_campaign(session, house.organisation, letter, site=_SITE, leaves=leaves)
    return letter


def _late(session: Session, house: Cafe) -> Campaign:
    letter = _ordered(session, house, "Late buns", Leaving(at=clock.now() + timedelta(hours=1)))
    letter.scheduled_for = clock.now() - timedelta(hours=3)
    return letter


def _doubted(session: Session, house: Cafe) -> Campaign:
    letter = _ordered(session, house, "Buns in doubt", schedule.AT_ONCE)
    session.flush()
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id).order_by(Delivery.id)).all()
    for number, row in enumerate(rows):
        row.state = DeliveryState.IN_DOUBT if number < 3 else DeliveryState.ACCEPTED
        row.handed_at, row.attempts = clock.now(), 1
        row.message_id, row.reply_text = f"<{number * 'f':0>32}@cafe.example>", "the connection was lost"
    letter.state = CampaignState.FINISHED
    return letter


def _moving(session: Session, house: Cafe) -> Campaign:
    letter = _ordered(session, house, "Buns on their way", schedule.AT_ONCE)
    session.flush()
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id).order_by(Delivery.id)).all()
    for number, row in enumerate(rows[:80]):
        row.state = (DeliveryState.ACCEPTED, DeliveryState.DEFERRED)[number > 60]
        row.provider = "gmail" if number % 3 else "microsoft"
    tempo.note(session, {letter.id: 10})
    [look] = session.scalars(select(tempo.Tempo).where(tempo.Tempo.campaign_id == letter.id))
    look.looks = [[at - 30_000, count] for at, count in look.looks]
    return letter


def _tested(session: Session, house: Cafe) -> Campaign:
    letter = cafe.draft(session, house, subject="Buns for a few first")
    test = pilot.plan(share=50, wait=timedelta(hours=2), clicks=30, bounces=10)
    planning.send_campaign(session, house.organisation, letter, site=_SITE, test=test)
    session.flush()
    query = select(Delivery).where(Delivery.campaign_id == letter.id, Delivery.wave == 0)
    for row in session.scalars(query).all():
        row.state = DeliveryState.ACCEPTED
    letter.pilot = {**(letter.pilot or {}), "results_at": clock.as_text(clock.now())}
    session.flush()
    pilot.conclude(session, letter)
    return letter


def _stopped(session: Session, house: Cafe) -> Campaign:
    letter = _ordered(session, house, "Buns that stopped by themselves", schedule.AT_ONCE)
    session.flush()
    rows = session.scalars(select(Delivery).where(Delivery.campaign_id == letter.id).order_by(Delivery.id)).all()
    for number, row in enumerate(rows[:40]):
        row.state = DeliveryState.ACCEPTED
        if number % 5 == 0:
            row.state, row.reply_code, row.reply_class = DeliveryState.FAILED, 550, ReplyClass.INVALID_ADDRESS
    session.flush()
    steering.act(session, letter)
    return letter


_LETTERS: dict[str, Callable[[Session, Cafe], Campaign]] = {
    "held": lambda session, house: _ordered(session, house, "Held buns", Leaving(hold=timedelta(minutes=10))),
    "scheduled": lambda session, house: _ordered(
        session, house, "Buns at nine", Leaving(at=clock.now() + timedelta(days=2))
    ),
    "late": _late,
    "sending": _moving,
    "in doubt": _doubted,
    "tested": _tested,
    "stopped": _stopped,
}


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A café with letters in every state, and the way in."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        crowd.gather(session, house, 120)
        for person in session.scalars(select(Subscriber).limit(2)).all():
            subscriber.live_in(person, "Asia/Tokyo")
        # The hour is one of them, whichever it is.
        quiet_hours.choose(house.organisation, f"{clock.now().hour}:00", f"{(clock.now().hour + 2) % 24}:00")
        draft = cafe.draft(session, house, subject="A draft")
        letters = {name: make(session, house).public_id for name, make in _LETTERS.items()}
        enter = sign_in_link.make(session, user.first(session))
        found = {name: f"/studio/letters/{public_id}/progress" for name, public_id in letters.items()}
        doubts = f"/studio/letters/{letters['in doubt']}/doubts"
        return {
            "enter": f"/studio/enter/{enter}",
            "send": f"/studio/letters/{draft.public_id}/send",
            "doubts": doubts,
            **found,
        }


def _keep(page: Page, name: str, pictures: Path) -> None:
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=pictures / f"{name}-dark.png", full_page=True)
    page.emulate_media(color_scheme="light")


@pytest.mark.timeout(240)
def test_every_page_of_a_letter_under_way_is_calm(
    chromium: Path, site: str, pages: dict[str, str], tmp_path: Path
) -> None:
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        page.goto(f"{site}{pages['enter']}")
        page.get_by_role("main").get_by_role("button").click()
        for name, path in pages.items():
            if name == "enter":
                continue
            page.goto(f"{site}{path}")
            if name == "send":
                page.get_by_label("At a time I choose").check()
                page.get_by_text("Test small first").click()
                page.get_by_label("A few get it first").check()
            people.inspect(page, name)
            _keep(page, name, tmp_path)
        for name, path in (("letters", "/studio/letters"), ("home", "/studio/"), ("settings", "/studio/settings")):
            page.goto(f"{site}{path}")
            people.inspect(page, name)
            _keep(page, name, tmp_path)
        people.demand_calm()
