"""Each check on a finished letter finds what it is for, names the block, and is silent on a letter that is right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import letter_checks, letter_history
from listkeeper.campaigns.campaign import CampaignState
from listkeeper.campaigns.revision import Draft
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import clock
from listkeeper.rendering import compiled, document, filling
from listkeeper.rendering.content import Letter
from listkeeper.rendering.document import Mode
from tests.makers import cafe
from tests.unit.rendering.conftest import READER, SENDER

ID = "b0000000001"
PICTURE = {"src": "/media/abc.jpg", "alt": "A bun", "width": 1200}


def found(letter: Letter, country: str = "") -> dict[str, Finding]:
    """Return what is found of a letter, by code."""
    filled = filling.fill(compiled.compile_letter(letter), READER)
    return {each.code: each for each in letter_checks.examine(letter, filled, country)}


def of_block(**block: Any) -> Letter:  # noqa: ANN401 - the fields of a block
    """Return a letter with one block below its headline."""
    values = [{"id": "b0000000000", "type": "heading", "text": "Buns", "level": 1}, {"id": ID, **block}]
    return Letter("Buns", "Warm", "", "en", SENDER, mode=Mode.BLOCKS, blocks=document.blocks_of(values))


def of_html(html: str) -> Letter:
    """Return a letter in HTML of one's own."""
    return Letter("Buns", "Warm", "", "en", SENDER, mode=Mode.HTML, html=html)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({"type": "button", "label": "Press", "href": ""}, "C8"),
        ({"type": "button", "label": "", "href": "https://x.example/"}, "C8"),
        ({"type": "social", "links": [{"name": "Here", "href": ""}]}, "C8"),
        ({"type": "rss", "url": "https://x.example/feed"}, "C8a"),
        ({"type": "image", "picture": {"src": "", "alt": "x"}}, "C8b"),
        ({"type": "poll", "question": "Which bun?", "answers": [{"text": "Plain"}]}, "C8c"),
        ({"type": "heading", "text": "Too deep", "level": 3}, "V2"),
        ({"type": "text", "html": '<p>Read <a href="https://x.example/">click here</a></p>'}, "V6"),
        ({"type": "image", "picture": {**PICTURE, "src": "https://other.example/a.jpg"}}, "I1"),
        ({"type": "text", "html": "<p>F R E E money, 100% free, act now!!!</p>"}, "W1"),
        ({"type": "text", "html": '<p><a href="https://x.example/?utm_medium=affiliate">Tea</a></p>'}, "O1"),
        ({"type": "text", "html": '<p>good <a href="https://x.example/">tea</a>Advertisement</p>'}, "O2"),
    ],
)
def test_what_is_wrong_is_found_and_its_block_named(block: dict[str, Any], code: str) -> None:
    seen = found(of_block(**block))
    assert code in seen
    assert seen[code].place == ID
    assert seen[code].message


def test_a_russian_advertiser_is_named_with_both_numbers() -> None:
    paid = {"type": "sponsored", "sponsor": "ООО «Ромашка»", "html": "<p>Чай</p>", "country": "RU"}
    assert "O3" in found(of_block(**paid))
    whole = {**paid, "tax_id": "3810053581", "erid": "2SDnjeLAQcb"}
    assert "O3" not in found(of_block(**whole))


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<h1>Hi</h1><p style='color:#cccccc;background:#ffffff'>faint words that nobody reads</p>", "V1"),
        ("<h1>Hi</h1><p>Words</p><img src='https://news.shop.example/a.jpg' width='100' height='100'>", "V4"),
        ("<h1>Hi</h1><div style='display:grid'>Words that stand in a grid</div>", "E1"),
        (
            "<h1>Hi</h1>" + "<img src='https://x.example/a.jpg' alt='x' width='9' height='9'>" * 13 + "<p>Words</p>",
            "I2",
        ),
    ],
)
def test_html_of_one_s_own_is_looked_at(html: str, code: str) -> None:
    assert code in found(of_html(html))


def test_a_letter_that_is_right_is_left_in_peace() -> None:
    right = of_block(type="text", html='<p>From seven, <a href="https://x.example/">see the menu of this week</a>.</p>')
    assert found(right) == {}


def test_nothing_here_stops_a_letter() -> None:
    bad = of_block(type="text", html='<p>100% free!!! <a href="https://x.example/?utm_medium=paid">click here</a></p>')
    assert Severity.BLOCK not in {each.severity for each in found(bad).values()}


def test_the_letter_before_is_looked_at(session: Session, frozen_clock: time_machine.Traveller) -> None:
    house = cafe.found(session)
    before = campaigns.create(session, house.organisation, house.mailing_list, Draft("Buns", "", "Warm"))
    now = campaigns.create(session, house.organisation, house.mailing_list, Draft("buns", "", "Warm"))
    assert letter_history.examine(session, now, "buns") == []
    before.state, before.started_at, before.recipients = CampaignState.FINISHED, clock.now(), 212
    before.sent_revision_id = campaigns.newest(session, before).id
    session.flush()
    frozen_clock.shift(timedelta(hours=20))
    codes = {each.code: each.message for each in letter_history.examine(session, now, "buns")}
    assert set(codes) == {"C7", "C1b"}
    assert "212" in codes["C7"]
    frozen_clock.shift(timedelta(hours=5))
    assert {each.code for each in letter_history.examine(session, now, "Other")} == set()
