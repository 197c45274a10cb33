"""A letter sent with two versions and a stance in the machine's Chromium: at 390 px, by keyboard, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.campaigns import trial as trials
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.stance import Stance
from listkeeper.campaigns.trial import Arm, Figures, TrialState
from listkeeper.foundation import clock
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.trying import trial
from listkeeper.settings import Settings
from tests.browser.served import served
from tests.browser.watched import watched
from tests.makers import cafe, crowd
from tests.unit.insight.trust_stage import sent

pytestmark = pytest.mark.whole_program


@pytest.fixture
def site(app: Flask, settings: Settings) -> Iterator[str]:
    """The application on loopback."""
    app.config["LISTKEEPER"] = settings.model_copy(update={"hold_minutes": 0})
    with served(app) as place:
        yield place


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A café that has given once and asked twice, a draft to its list, and the way in."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        crowd.gather(session, house, 60)
        for number, stance in enumerate((Stance.HELP, Stance.OFFER, Stance.SURVEY)):
            sent(session, house, stance, ago=timedelta(days=30 * number), subject=f"A letter of {stance.value}")
        cafe.draft(session, house, subject="Another draft")
        draft = cafe.draft(session, house)
        return {
            "enter": f"/studio/enter/{sign_in_link.make(session, user.first(session))}",
            "send": f"/studio/letters/{draft.public_id}/send",
            "progress": f"/studio/letters/{draft.public_id}/progress",
            "trust": f"/studio/lists/{house.mailing_list.public_id}/trust",
            "letter": draft.public_id,
        }


def _fill(page: Page) -> None:
    page.get_by_label("What is this letter to its readers?").select_option("offer")
    page.get_by_text("Try two versions").press("Enter")
    page.get_by_label("Some get version A").press("Space")
    page.get_by_label("Subject of version B").fill("Buns, still warm")
    page.get_by_label("readers who write back").check()
    page.get_by_label("So many do, about").fill("30")
    page.get_by_label("A difference I want to know of").fill("45")
    page.get_by_label("What the others get").select_option("ask")


def _come_back(app: Flask, letter: str) -> None:
    """Let both versions have arrived long enough ago, and be looked at."""
    with app.app_context(), store.transaction() as session:
        found = session.scalars(select(Campaign).where(Campaign.public_id == letter)).one()
        tried = trials.of(found)
        assert tried is not None
        for row in session.scalars(select(Delivery).where(Delivery.campaign_id == found.id, Delivery.wave == 0)):
            row.state, row.handed_at = DeliveryState.ACCEPTED, clock.now() - trials.USUAL_WAIT
        session.flush()
        figures = {Arm.A: Figures(tried.each, 2), Arm.B: Figures(tried.each, 14)}
        assert trial.look(session, found, figures) is TrialState.ASKS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("javascript", [True, False])
def test_a_letter_with_two_versions_is_sent_seen_and_chosen(
    chromium: Path, app: Flask, site: str, pages: dict[str, str], *, javascript: bool
) -> None:
    with watched(chromium) as people, people.context(javascript=javascript) as owner:
        # axe is a script itself.
        look: Callable[[Page, str], object] = people.inspect if javascript else lambda _page, _name: None
        page = owner.new_page()
        page.goto(f"{site}{pages['enter']}")
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.goto(f"{site}{pages['send']}")
        expect(page.get_by_text("balance −2, below your floor of 0", exact=False)).to_have_count(1)
        _fill(page)
        page.get_by_role("button", name="Work out again").press("Enter")
        expect(page.get_by_text("Each version goes to 23 people.")).to_be_visible()
        expect(page.get_by_label("Subject of version B")).to_have_value("Buns, still warm")
        look(page, "send, worked out")
        page.get_by_role("button", name="Send it to 60 people").click()
        expect(page.get_by_role("alert").first).to_contain_text("below your floor of 0. Nothing was sent.")
        expect(page.get_by_label("Subject of version B")).to_have_value("Buns, still warm")
        page.get_by_label("I know. Send it all the same.").check()
        look(page, "send, asked once more")
        page.get_by_role("button", name="Send it to 60 people").click()
        expect(page.get_by_text("Two versions are tried: each goes to 23 people.")).to_be_visible()
        look(page, "progress, under way")
        _come_back(app, pages["letter"])
        page.goto(f"{site}{pages['progress']}")
        expect(page.get_by_text("Version B is better")).to_be_visible()
        look(page, "progress, asks")
        page.get_by_role("button", name="Version B for the others").press("Enter")
        expect(page.get_by_text("The others get version B.").first).to_be_visible()
        page.goto(f"{site}{pages['trust']}")
        expect(page.get_by_text("Balance: −2.")).to_be_visible()
        look(page, "trust")
        page.get_by_label("Lowest balance").fill("-3")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Lowest balance")).to_have_value("-3")
        # That the letter waits for one more word is what Chromium calls an error.
        people.faults = [fault for fault in people.faults if "status of 409" not in fault]
        people.demand_calm()
