"""What came back, in the machine's Chromium: axe, both schemes, 320 px; the figures, a wave, a letter, a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import sign_in_link
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import bounce_wave
from listkeeper.feedback.event import FeedbackKind
from listkeeper.foundation import clock
from listkeeper.sending import incident, refusal, watch_words
from listkeeper.sending.incident import IncidentKind
from listkeeper.sending.pacing.pace_news import Refusing
from tests.browser.watched import watched
from tests.makers import cafe, studio
from tests.makers.came_back import Postman

pytestmark = pytest.mark.whole_program

R = ReplyClass
_PROVIDERS = ("gmail", "microsoft", "yahoo", "gmx", ".0123456789")
_REPLY = "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking <address>"


def _back(reader: Postman, campaign_id: int, provider: str, found: ReplyClass, *, permanent: bool = False) -> None:
    mail = reader.letter()
    mail.provider = provider
    # One person gets a letter once.
    if not permanent:
        mail.campaign_id = campaign_id
    reader.session.flush()
    told = reader.told(FeedbackKind.BOUNCED, mail, found=found, permanent=permanent)
    assert told is not None
    told.reply, told.rule = _REPLY, "no such account"


def _much(session: Session) -> dict[str, str]:
    """Let much come back; return the pages that show it."""
    house = studio.the_cafe(session)
    letter = cafe.draft(session, house, subject="Cardamom buns")
    letter.started_at = clock.now()
    readers = [
        Postman(session, house, cafe.subscribe(session, house, f"reader{place}@guest.example")) for place in range(36)
    ]
    for place, each in enumerate(readers):
        _back(each, letter.id, _PROVIDERS[place % 7 % 5], list(R)[place % len(R)])
        if place < 24:
            _back(each, letter.id, "microsoft", R.INVALID_ADDRESS, permanent=True)
    readers[30].told(FeedbackKind.COMPLAINED, readers[30].letter())
    refusal.begin(session, "cafe.example", Refusing("gmail", 12, 100, (R.AUTH,)))
    facts = {
        "number": 14, "receiver": "Microsoft", "letter": "Buns", "campaign": letter.public_id, "seconds": 9,
        "usual": 0.25, "first_at": clock.as_text(clock.now()),
    }  # fmt: skip
    said = watch_words.said(IncidentKind.LEAVE_BURST, facts)
    incident.report(session, IncidentKind.LEAVE_BURST, said, facts, provider="microsoft")
    [wave] = bounce_wave.recent(session, house.organisation.id, least=20)
    return {
        "all": "/studio/bounces",
        "letter": f"/studio/letters/{letter.public_id}/came-back",
        "wave": f"/studio/bounces/waves/{wave.name}",
        "person": f"/studio/people/{readers[0].person.public_id}",
    }


def _keep(page: Page, name: str, pictures: Path) -> None:
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)


@pytest.mark.timeout(240)
def test_every_page_of_what_came_back_is_calm(app: Flask, chromium: Path, site: str, tmp_path: Path) -> None:
    with app.app_context(), store.transaction() as session:
        enter = sign_in_link.make(session, cafe.found(session).owner)
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        page.goto(f"{site}/studio/enter/{enter}")
        page.get_by_role("main").get_by_role("button").click()
        page.goto(f"{site}/studio/bounces")
        people.inspect(page, "empty")
        _keep(page, "empty", tmp_path)
        with app.app_context(), store.transaction() as session:
            shown = _much(session)
        for name, path in shown.items():
            page.goto(f"{site}{path}")
            people.inspect(page, name)
            _keep(page, name, tmp_path)
        people.demand_calm()
        page.goto(f"{site}{shown['wave']}")
        page.get_by_role("button", name="Write to 24 people again").click()
        assert page.get_by_text("Taken back: 24 people are written to again.").is_visible()
