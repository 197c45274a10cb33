"""A question in the machine's Chromium: axe, both schemes, 320 px, large targets, no script; and in the studio."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import sign_in_link, user
from listkeeper.audience import confirmation, profile, profile_link, profile_question
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.profile import How, ProfileAnswer
from listkeeper.audience.profile_words import QuestionKind, Wording
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns import question_use
from tests.browser.watched import DESK, NARROWEST, watched
from tests.makers import cafe, questions
from tests.makers.cafe import Cafe

pytestmark = pytest.mark.whole_program

_SMALLEST_TARGET = 48
_TARGETS = """[...document.querySelectorAll("button, a, select, textarea, input:not([type=hidden])")]
    .map((element) => [element.outerHTML.slice(0, 80), element.getBoundingClientRect().height])
    .filter(([, height]) => height < %d)"""
_WEIGHT = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""
_WHY = "Żebyśmy piekli to, co naprawdę lubisz, a nie to, co akurat zostało na półce."
_BENEFIT = "Wiadomości o tym, co lubisz, i mniej całej reszty."
_DAYS = ("Poniedziałek", "Środa wcześnie rano, przed otwarciem", "Sobota")
_WORDS = {
    QuestionKind.CHOICE: Wording("Chleb, ciasta czy bułki z kardamonem?", _WHY, _BENEFIT, ("Chleb", "Ciasta", "Bułki")),
    QuestionKind.CHOICES: Wording("Kiedy do nas przychodzisz?", _WHY, _BENEFIT, _DAYS),
    QuestionKind.TEXT: Wording("Jak ma na imię Twój pies?", _WHY, _BENEFIT),
}


def _ask(session: Session, house: Cafe, kind: QuestionKind) -> int:
    made = questions.drafted(session, house, kind.value, kind=kind, words=_WORDS[kind])
    questions.use(session, house, kind.value)
    profile_question.start(session, house.organisation, made, question_use.of(session, made))
    return made.id


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A café that speaks Polish and asks three questions."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken="pl", list_name="Wiadomości z piekarni")
        made.organisation.brand_colour = "#ffe9a8"
        anna = cafe.subscribe(session, made, "anna@shop.example")
        asked = confirmation.token_of(cafe.sign_up(session, made, "bo@shop.example"))
        links = {
            kind: f"/q/{profile_link.token(anna.id, _ask(session, made, kind), How.LETTER)}" for kind in QuestionKind
        }
        return {
            "confirm": f"/c/{asked}",
            "tapped": f"{links[QuestionKind.CHOICE]}?a=ciasta",
            "rather not": f"{links[QuestionKind.CHOICE]}?a=-",
            "one": links[QuestionKind.CHOICE],
            "several": links[QuestionKind.CHOICES],
            "own words": links[QuestionKind.TEXT],
            "over": "/q/over",
        }


def _look(page: Page, name: str, pictures: Path) -> None:
    """Measure a page on the narrowest phone, and keep pictures of it beside the test."""
    page.set_viewport_size({"width": NARROWEST, "height": 640})
    assert page.evaluate(_TARGETS % _SMALLEST_TARGET) == [], name
    _keep(page, name, pictures)


def _keep(page: Page, name: str, pictures: Path) -> None:
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)


@pytest.mark.timeout(180)
def test_every_page_of_a_question_is_calm(chromium: Path, site: str, pages: dict[str, str], tmp_path: Path) -> None:
    with watched(chromium) as people, people.context() as reader:
        page = reader.new_page()
        for name, path in pages.items():
            answer = page.goto(f"{site}{path}")
            assert answer is not None
            if answer.status < 400:
                assert page.evaluate(_WEIGHT) <= 15 * 1024, name
            if name == "confirm":
                page.get_by_role("button").first.click()
                assert page.evaluate(_WEIGHT) <= 15 * 1024, name
            people.inspect(page, name)
            _look(page, name, tmp_path)
        page.goto(f"{site}{pages['several']}")
        page.get_by_role("button").first.click()
        people.inspect(page, "nothing chosen")
        _look(page, "nothing chosen", tmp_path)
        page.get_by_role("checkbox").nth(1).check()
        page.get_by_role("button").first.click()
        people.inspect(page, "thank you")
        _look(page, "thank you", tmp_path)
        assert reader.cookies() == []
        people.faults = [fault for fault in people.faults if "status of 404" not in fault]
        people.demand_calm()


@pytest.mark.timeout(180)
def test_she_answers_without_script_and_by_keyboard(
    app: Flask, chromium: Path, site: str, pages: dict[str, str]
) -> None:
    with watched(chromium) as people, people.context(javascript=False) as reader:
        page = reader.new_page()
        page.goto(f"{site}{pages['tapped']}")
        first = page.get_by_role("button").first
        assert "Ciasta" in first.inner_text()
        first.focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        page.goto(f"{site}{pages['own words']}")
        page.get_by_role("textbox").fill("Burek")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        people.demand_calm()
    with app.app_context(), store.reading() as session:
        said = [row.value for row in session.scalars(select(ProfileAnswer).order_by(ProfileAnswer.question_id))]
    assert said == ["ciasta", "Burek"]


@pytest.mark.timeout(180)
def test_the_owner_asks_from_phone_and_desk(
    app: Flask, chromium: Path, site: str, pages: dict[str, str], tmp_path: Path
) -> None:
    assert pages
    with app.app_context(), store.transaction() as session:
        token = sign_in_link.make(session, user.first(session))
        anna = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert anna is not None
        asked = profile.next_for(session, anna, 1)
        assert asked is not None
        profile.give(session, anna.id, asked, ["ciasta"], How.LETTER)
        question, about = asked[0].public_id, anna.public_id
        home = cafe_list(session)
    with watched(chromium) as people, people.context(size=DESK) as owner:
        page = owner.new_page()
        page.goto(f"{site}/studio/enter/{token}")
        page.get_by_role("button").last.click()
        for name, path in (
            ("studio questions", f"{home}/questions"),
            ("studio new question", f"{home}/question"),
            ("studio question", f"/studio/questions/{question}"),
            ("studio person", f"/studio/people/{about}"),
        ):
            page.goto(f"{site}{path}")
            page.wait_for_load_state("networkidle")
            people.inspect(page, name)
            _keep(page, name, tmp_path)
        people.demand_calm()


def cafe_list(session: Session) -> str:
    """Return where the studio shows the café's list."""
    found = session.scalars(select(MailingList)).one()
    return f"/studio/lists/{found.public_id}"
