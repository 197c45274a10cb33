"""The line of a follow-up on a telephone: nothing beyond its edge, in light and dark, and switched on by keyboard."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.campaigns import follow_up_starter
from listkeeper.campaigns.follow_up import FollowUp, FollowUpState
from listkeeper.campaigns.follow_up_starter import Line
from tests.browser.watched import PHONE, watched
from tests.makers import works


def test_a_line_is_begun_read_and_switched_on(app: Flask, house: None, site: str, chromium: Path) -> None:
    with app.app_context(), store.transaction() as session:
        token = sign_in_link.make(session, user.first(session))
        made = works.here(session)
        line = follow_up_starter.begin(session, made.organisation, made.mailing_list, Line.WELCOME).public_id
    with watched(chromium) as people, people.context(size=PHONE) as owner:
        page = owner.new_page()
        page.goto(f"{site}/studio/enter/{token}")
        page.get_by_role("button").last.click()
        for name, path in (("follow-ups", ""), ("follow-up", f"/{line}")):
            page.goto(f"{site}/studio/follow-ups{path}")
            page.wait_for_load_state("networkidle")
            people.inspect(page, name)
        # On a telephone nothing stands beyond the edge.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        switch = page.get_by_role("button", name="Switch on")
        switch.focus()
        page.keyboard.press("Enter")
        page.get_by_text("It begins with whoever comes from now on").wait_for()
        people.demand_calm()
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(FollowUp)).one().state is FollowUpState.ON
