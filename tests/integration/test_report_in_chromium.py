"""The report of a letter in the machine's Chromium: axe, both schemes, 320 px, by keys, with script and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience import activity
from listkeeper.audience.activity import Act, ActivityKind
from listkeeper.audience.thread import ConversationState
from listkeeper.campaigns.assumption import Assumption, Measure
from listkeeper.campaigns.link import CampaignLink, LinkRole
from listkeeper.foundation import clock
from listkeeper.sending import engagement_tally
from listkeeper.sending.delivery import DeliveryState
from listkeeper.sending.engagement_tally import Key, What
from tests.browser.watched import watched
from tests.makers import cafe, crowd, letter_story
from tests.makers.letter_story import Mail

pytestmark = pytest.mark.whole_program
S = DeliveryState


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A café with a letter of which something came, one of which nothing did, and a draft to send."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        crowd.gather(session, house, 40)
        made, empty = letter_story.leave(session, house), letter_story.leave(session, house, subject="Rye")
        made.assumption = Assumption(Measure.CLICKS, 3000, "Buns are loved.").as_json()
        mails = [Mail("gmail", S.ACCEPTED, orders=[("order", 24900, "DKK")]) for _ in range(30)]
        letter_story.tell(session, house, made, [*mails, Mail("microsoft", S.ACCEPTED, reply=ConversationState.DONE)])
        own = (CampaignLink.revision_id == made.sent_revision_id, CampaignLink.role == LinkRole.LINK)
        number = session.scalars(select(CampaignLink.id).where(*own)).one()
        key = Key(made.id, made.sent_revision_id or 0, 0, "gmail", What.COUNTED)
        of_link = key._replace(link_id=number)
        counts = {key: 30, key._replace(what=What.CLICKER): 4, of_link._replace(what=What.CLICK_HUMAN): 6}
        engagement_tally.add(session, counts | {of_link._replace(what=What.CLICK_MACHINE): 90})
        anna = cafe.subscribe(session, house, "anna@guest.example")
        activity.note(session, [Act(anna.id, house.mailing_list.id, ActivityKind.CLICKED, clock.now(), made.id)])
        draft = cafe.draft(session, house, subject="A draft")
        enter = sign_in_link.make(session, user.first(session))
        return {
            "enter": f"/studio/enter/{enter}",
            "report": f"/studio/letters/{made.public_id}/report",
            "nothing": f"/studio/letters/{empty.public_id}/report",
            "send": f"/studio/letters/{draft.public_id}/send",
            "letters": "/studio/letters",
        }


@pytest.mark.timeout(240)
def test_the_report_is_calm_and_its_links_are_reached_by_keys(
    chromium: Path, site: str, pages: dict[str, str], tmp_path: Path
) -> None:
    with watched(chromium) as people, people.context() as owner:
        page = owner.new_page()
        page.goto(f"{site}{pages['enter']}")
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        for name in ("nothing", "letters", "send", "report"):
            page.goto(f"{site}{pages[name]}")
            if name == "send":
                page.get_by_text("Write down what you believe").click()
            people.inspect(page, name)
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 844})
                page.screenshot(path=tmp_path / f"{name}-{width}.png", full_page=True)
        assert "13.3%" in page.locator("main").inner_text()
        number = page.get_by_role("link", name="Show link 1 in the letter")
        number.focus()
        page.keyboard.press("Enter")
        frame = page.frame(name="letter-map")
        assert frame is not None
        frame.wait_for_url("**/letter#link-1")
        mark = page.frame_locator("iframe[name=letter-map]").locator("#link-1")
        assert mark.inner_text() == "1"
        assert mark.get_attribute("title") == "1: 6 clicks by people"
        page.get_by_role("link", name="Show the plain text").focus()
        page.keyboard.press("Enter")
        frame.wait_for_url("**/letter?part=text")
        page.get_by_role("button", name="Make a segment of who clicked").click()
        assert "clicked letter cmp_" in page.locator("main").inner_html()
        people.demand_calm()


@pytest.mark.timeout(120)
def test_without_a_script_the_numbers_and_the_map_are_there(chromium: Path, site: str, pages: dict[str, str]) -> None:
    with watched(chromium) as people, people.context(javascript=False) as owner:
        page = owner.new_page()
        page.goto(f"{site}{pages['enter']}")
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.goto(f"{site}{pages['report']}")
        assert "4 of the 30 readers whose clicks are counted followed a link." in page.locator("main").inner_text()
        page.get_by_role("link", name="Show link 1 in the letter").click()
        frame = page.frame(name="letter-map")
        assert frame is not None
        frame.wait_for_url("**/letter#link-1")
        people.demand_calm()
