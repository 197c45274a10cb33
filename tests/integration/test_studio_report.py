"""The report of a letter in the studio: three numbers, the letter with its links numbered, one button, a table."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience.thread import ConversationState
from listkeeper.campaigns.assumption import Assumption, Measure
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.sending.delivery import DeliveryState
from tests.fakes.databases import Database
from tests.makers import cafe, crowd, letter_story, studio
from tests.makers.letter_story import Mail
from tests.makers.programs import program
from tests.makers.studio import StudioBrowser, words

S = DeliveryState
MAILS = [
    Mail("gmail", S.ACCEPTED, withdrew=1, orders=[("order", 24900, "DKK"), ("refund", 900, "DKK")]),
    Mail("gmail", S.ACCEPTED, complained=1),
    Mail("microsoft", S.ACCEPTED, reply=ConversationState.OPEN),
    Mail("mx.anna.example", S.BOUNCED),
]


@pytest.fixture
def letter(app: Flask, database: Database) -> str:
    """A letter that four people got; returns its public id."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        crowd.gather(session, house, 4)
        made = letter_story.leave(session, house)
        made.assumption = Assumption(Measure.REPLIES, 3000, "Buns are loved.").as_json()
        letter_story.tell(session, house, made, MAILS)
        return made.public_id


@pytest.fixture
def browser(app: Flask, letter: str) -> StudioBrowser:
    return studio.signed_in(app)


def _change(app: Flask, state: CampaignState) -> None:
    with app.app_context(), store.transaction() as session:
        session.scalars(select(Campaign)).one().state = state


def test_the_page_says_what_came_of_it(browser: StudioBrowser, letter: str) -> None:
    answer = browser.get(f"/studio/letters/{letter}/report")
    assert answer.status_code == 200
    said = words(answer)
    for sentence in (
        "1 of 3 readers wrote back: 33.3%.",
        "66.7% of 3 left, 1 of them by calling it spam.",
        "Not known: none of them lets clicks be counted.",
        "1 reader wrote back and waits for you.",
        "You believed that 3% write back. It was 1 of 3: 33.3%.",
        "Buns are loved.",
        "DKK\xa0240.00",
    ):
        assert sentence.replace("\xa0", " ") in said.replace("\xa0", " "), (sentence, said)
    assert answer.text.index("Wrote back") < answer.text.index("Clicked")
    assert len(re.findall(r'<a role="button" href=', answer.text)) == 1
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_letter_under_way_is_not_final_and_one_that_has_not_begun_has_no_report(
    app: Flask, browser: StudioBrowser, letter: str
) -> None:
    _change(app, CampaignState.SENDING)
    assert "these numbers are not final" in words(browser.get(f"/studio/letters/{letter}/report"))
    _change(app, CampaignState.DRAFT)
    assert browser.get(f"/studio/letters/{letter}/report").status_code == 303
    assert browser.get("/studio/letters/cmp_7k2v9m4c0x8q3w6n1t5z/report").status_code == 404


def test_the_letter_stands_alone_with_its_links_numbered(browser: StudioBrowser, letter: str) -> None:
    page = browser.get(f"/studio/letters/{letter}/report/letter")
    assert page.status_code == 200
    assert page.headers["Content-Security-Policy"].startswith("sandbox;")
    assert re.search(
        r'href="https://cafe\.example/bread".*?</a><span class="lk-place" id="link-1"', page.text, re.DOTALL
    )
    text = browser.get(f"/studio/letters/{letter}/report/letter?part=text")
    assert text.content_type == "text/plain; charset=utf-8"
    assert "https://cafe.example/bread [1]" in text.text


def test_the_figures_go_out_as_a_table_without_anybody_in_it(browser: StudioBrowser, letter: str) -> None:
    answer = browser.get(f"/studio/letters/{letter}/report/figures.csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="report-{letter}.csv"'
    rows = answer.text.splitlines()
    assert rows[0] == "part,name,measure,value"
    assert {"replied,,readers,1", "left,,of,3", "letter,,complained,1", "income,,DKK,24000"} <= set(rows)
    assert "crowd.example" not in answer.text


def test_letters_and_progress_lead_to_it(browser: StudioBrowser, letter: str) -> None:
    address = f"/studio/letters/{letter}/report"
    assert address in browser.get("/studio/letters").text
    assert address in browser.get(f"/studio/letters/{letter}/progress").text


def test_a_program_reads_the_same_numbers(app: Flask, letter: str) -> None:
    answer = program(app, Scope.READ).get(f"/campaigns/{letter}/report")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    told = answer.json
    assert told["replied"] == {"readers": 1, "of": 3, "share": 0.333333, "usual": None}
    assert (told["left"]["readers"], told["complained"], told["clicked"]["share"]) == (2, 1, None)
    assert told["income"] == {"DKK": 24000}
    assert told["assumption"]["measure"] == "replies"
    assert told["next"]["step"] == "answer"
    assert {row["provider"]: row["accepted"] for row in told["providers"]} == {"gmail": 2, "microsoft": 1, "other": 0}
    assert program(app, Scope.EVENTS).get(f"/campaigns/{letter}/report").status_code == 403
