"""Lists, forms and people: what the owner sees of who agreed to what."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import leaving_reason, subscription, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.leaving_reason import Why
from listkeeper.audience.signup_form import SignupFormVersion
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with three people: two confirmed, one not."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "anna@people.example")
        cafe.subscribe(session, made, "bo@people.example")
        cafe.sign_up(session, made, "cecilie@people.example")
    return studio.signed_in(app)


def list_address(browser: StudioBrowser) -> str:
    page = browser.get("/studio/lists").text
    return "/studio/lists/lst_" + page.split("/studio/lists/lst_")[1].split('"')[0]


def test_home_shows_the_board_and_the_form_as_long_as_something_is_to_be_set_up(browser: StudioBrowser) -> None:
    shown = words(browser.get("/studio/"))
    assert "New this week Not counted yet" in shown
    assert "http://localhost:8025/f/news" in browser.get("/studio/").text
    browser.post("/studio/board/count", {"from": "home"})
    assert "New this week 2 Not there yet Target: at least 10" in words(browser.get("/studio/"))


def test_a_list_shows_its_people_and_their_state(browser: StudioBrowser) -> None:
    shown = words(browser.get(list_address(browser)))
    assert "2 · Confirmed" in shown
    assert "cecilie@people.example Not confirmed yet" in shown
    assert "anna@people.example Confirmed" in shown


def test_people_are_found_by_how_their_address_begins(browser: StudioBrowser) -> None:
    address = list_address(browser)
    found = words(browser.get(f"{address}?search=AN"))
    assert "anna@people.example" in found
    assert "bo@people.example" not in found
    assert "Nobody whose address begins with “%”" in words(browser.get(f"{address}?search=%25"))


def test_htmx_gets_the_table_alone(browser: StudioBrowser) -> None:
    part = browser.get(f"{list_address(browser)}?search=bo", headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith('<div id="people"')
    assert "<html" not in part.text


def test_a_long_list_is_paged(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        for number in range(60):
            cafe.subscribe(session, made, f"reader{number:02d}@people.example")
    first = browser.get(list_address(browser)).text
    assert first.count("@people.example</a>") == 50
    link = next(part.split('"')[0] for part in first.split('href="') if "after=" in part.split('"')[0])
    second = browser.get(link).text
    assert second.count("@people.example</a>") == 13
    assert "Back to the newest" in second


def test_a_person_page_is_the_proof_of_consent(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.reading() as session:
        version = session.scalars(select(SignupFormVersion)).one()
        said, sha256 = version.consent_text.whole, version.consent_text.sha256
    page = browser.get(list_address(browser)).text
    address = next(part for part in page.split('href="') if "anna@" in part).split('"')[0]
    shown = words(browser.get(address))
    assert "Consent proof: News" in shown
    assert said in shown
    assert "by the button on the confirmation page" in shown
    assert "news , version 1" in shown
    assert sha256[:12] in shown
    assert "Asked for the letters by the sign-up form" in shown
    assert "Said yes by the button on the confirmation page" in shown


def test_somebody_who_has_not_confirmed_has_no_proof(browser: StudioBrowser) -> None:
    page = browser.get(list_address(browser)).text
    address = next(part for part in page.split('href="') if "cecilie@" in part).split('"')[0]
    shown = words(browser.get(address))
    assert "There is none: this person gets no letters." in shown
    assert "Said yes" not in shown


def test_somebody_who_left_is_shown_with_the_reason(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        news = studio.the_cafe(session).mailing_list
        person, held = next(row for row in subscription.page(session, news, search="bo"))
        unsubscribe.leave(session, person.id, held.list_id, Method.ONE_CLICK)
        address = f"/studio/people/{person.public_id}"
    shown = words(browser.get(address))
    assert "Never mailed: unsubscribed." in shown
    assert "Unsubscribed by the unsubscribe button of the mail program" in shown


def test_the_list_says_why_people_left_and_not_who(app: Flask, browser: StudioBrowser) -> None:
    assert "Why people left" not in words(browser.get(list_address(browser)))
    with app.app_context(), store.transaction() as session:
        news = studio.the_cafe(session).mailing_list
        for letter in ("1", "2"):
            leaving_reason.tell(session, news, Why.TOO_MANY, "", letter=letter)
        leaving_reason.tell(session, news, Why.OTHER, "Moved to <b>Oslo</b>", letter="3")
    shown = words(browser.get(list_address(browser)))
    assert "2 · Too many e-mails 1 · Something else “Moved to <b>Oslo</b>”" in shown


def test_nobody_is_found_under_a_made_up_name(browser: StudioBrowser) -> None:
    for path in ("/studio/people/sub_nobody", "/studio/lists/lst_nothing", "/studio/forms/frm_nothing"):
        assert browser.get(path).status_code == 404


def test_another_list_gets_a_form_of_its_own(browser: StudioBrowser) -> None:
    answer = browser.post("/studio/lists", {"name": "Events"})
    assert answer.status_code == 303
    assert "http://localhost:8025/f/events" in browser.get(answer.location).text
    again = browser.post("/studio/lists", {"name": "Events"})
    assert again.status_code == 422
    assert "already a list called “Events”" in words(again)


def form_address(browser: StudioBrowser) -> str:
    page = browser.get(list_address(browser)).text
    return "/studio/forms/frm_" + page.split("/studio/forms/frm_")[1].split('"')[0]


def test_a_form_shows_its_link_and_a_code_for_the_phone(browser: StudioBrowser) -> None:
    page = browser.get(form_address(browser)).text
    assert 'value="http://localhost:8025/f/news"' in page
    assert 'src="data:image/svg+xml;base64,' in page


def test_changed_words_are_a_new_version_and_the_old_proof_keeps_the_old_one(
    app: Flask, browser: StudioBrowser
) -> None:
    address = form_address(browser)
    new = {
        "title": "Warm news",
        "body": "Yes, Café Kardemomme may send me news about buns, at most once a week.",
        "withdrawal": "I can stop at any time.",
        "button_label": "Yes please",
        "thank_you": "Thank you!",
    }
    assert studio.publish(browser, address, new).status_code == 303
    shown = words(browser.get(address))
    assert "2, published" in shown
    assert "about buns" in shown
    assert "about buns" in words(browser.get("/f/news"))
    page = browser.get(list_address(browser)).text
    person = next(part for part in page.split('href="') if "anna@" in part).split('"')[0]
    assert "about buns" not in words(browser.get(person))
    with app.app_context(), store.reading() as session:
        assert len(session.scalars(select(SignupFormVersion)).all()) == 2


@pytest.mark.parametrize("missing", ["title", "body", "withdrawal", "button_label", "thank_you"])
def test_a_text_with_a_gap_is_not_published(app: Flask, browser: StudioBrowser, missing: str) -> None:
    new = {
        "title": "Warm news",
        "body": "Yes, Café Kardemomme may send me news, at most once a week.",
        "withdrawal": "I can stop.",
        "button_label": "Yes",
        "thank_you": "Thank you!",
        missing: " ",
    }
    answer = studio.publish(browser, form_address(browser), new)
    assert answer.status_code == 422
    with app.app_context(), store.reading() as session:
        assert len(session.scalars(select(SignupFormVersion)).all()) == 1


def test_a_text_that_names_nobody_is_not_published(browser: StudioBrowser) -> None:
    new = {"title": "T", "body": "Yes.", "withdrawal": "W", "button_label": "B", "thank_you": "T"}
    answer = studio.publish(browser, form_address(browser), new)
    assert answer.status_code == 422
    assert "must name Café Kardemomme" in words(answer)
    assert ">Yes.</textarea>" in browser.get(f"{form_address(browser)}/draft").text
