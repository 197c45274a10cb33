"""Words in the studio: changed, compared, checked field by field, published; old ones stay with their people."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import list_rules, privacy_notice, signup_form
from listkeeper.audience.privacy_notice import PrivacyNotice
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

WORDS = {
    "title": "Warm news",
    "body": "Yes, Café Kardemomme may send me news about buns, at most twice a month.",
    "withdrawal": "I can stop at any time by the link in every mail.",
    "button_label": "Yes please",
    "thank_you": "Thank you!",
    "least_age": "",
}


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café with two people who said yes."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        for address in ("anna@people.example", "bo@people.example"):
            cafe.subscribe(session, made, address)
    return studio.signed_in(app)


@pytest.fixture
def form(app: Flask, browser: StudioBrowser) -> str:
    """The address of the form's page."""
    with app.app_context(), store.reading() as session:
        return f"/studio/forms/{studio.the_cafe(session).form.public_id}"


def _logged(app: Flask) -> list[str]:
    with app.app_context(), store.reading() as session:
        return [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def _versions(app: Flask) -> int:
    with app.app_context(), store.reading() as session:
        return len(session.scalars(select(SignupFormVersion)).all())


def test_a_comparison_shows_what_changes_and_stores_nothing(app: Flask, browser: StudioBrowser, form: str) -> None:
    before = _versions(app)
    studio.save_draft(browser, form, WORDS | {"least_age": "18"})
    shown = browser.get(f"{form}/publish")
    assert shown.status_code == 200
    said = words(shown)
    assert "Not published yet." in said
    assert "<del>Get " in shown.text
    assert "<ins>Warm " in shown.text
    assert "<ins>twice " in shown.text
    assert "2 people on this list have not stated an age and would get no more letters." in said
    assert ">Yes, Café Kardemomme may send me news about buns" in browser.get(f"{form}/draft").text
    assert (_versions(app), "form.published" in _logged(app)) == (before, False)
    assert "You have changed this form and not published it yet." in words(browser.get(form))
    assert "Get News" in browser.get("/f/news").text


def test_comparing_the_words_of_today_says_so(browser: StudioBrowser, form: str) -> None:
    assert "Nothing: these are the words of today." in words(browser.get(f"{form}/publish"))
    assert "You have changed this form" not in words(browser.get(form))


def test_each_fault_stands_beside_its_field(browser: StudioBrowser, form: str) -> None:
    wrong = WORDS | {
        "body": "Yes, send me what our partners say, and I accept the terms.",
        "withdrawal": "Log in to unsubscribe.",
        "least_age": "15",
        "age_statement": "I am old enough.",
    }
    refused = studio.publish(browser, form, wrong)
    assert refused.status_code == 422
    assert "must name Café Kardemomme" in words(refused)
    shown = browser.get(f"{form}/draft")
    for name, sentence in (
        ("body", "must name Café Kardemomme"),
        ("body", "how often you write"),
        ("body", "One yes, for one thing"),
        ("withdrawal", "nobody has to log in"),
        ("age_statement", "an age of 15"),
        ("least_age", "counts from the age of"),
    ):
        beside = re.search(rf'<p id="told-{name}">(.*?)</p>', shown.text, re.DOTALL)
        assert beside is not None, name
        assert sentence in beside[1]
        assert f'aria-describedby="told-{name}"' in shown.text
    assert ">Yes, send me what our partners say" in shown.text


def test_a_new_version_leaves_the_old_one_with_its_people(app: Flask, browser: StudioBrowser, form: str) -> None:
    with app.app_context(), store.reading() as session:
        old = signup_form.newest(session, studio.the_cafe(session).form).consent_text.whole
    assert studio.publish(browser, form, WORDS).status_code == 303
    shown = words(browser.get(form))
    assert "Earlier versions" in shown
    earlier = shown.split("Earlier versions")[1]
    assert "Version 1" in earlier
    assert "2 people said yes to it" in earlier
    assert old in earlier
    assert "Said yes to it 0 people" in shown
    assert _logged(app)[-1] == "form.published"
    assert "about buns" in words(browser.get("/f/news"))


def test_an_age_is_asked_with_a_sentence_we_write(app: Flask, browser: StudioBrowser, form: str) -> None:
    assert studio.publish(browser, form, WORDS | {"least_age": "16"}).status_code == 303
    assert "I am 16 years old or older." in browser.get("/f/news").text
    with app.app_context(), store.reading() as session:
        assert studio.the_cafe(session).mailing_list.least_age == 16
    for age in ("sixteen", "-1", "100", "1.5", "²"):
        refused = studio.publish(browser, form, WORDS | {"least_age": age})
        assert refused.status_code == 422
        assert "give an age in years" in words(refused)


def test_a_form_refused_changes_not_even_the_age(app: Flask, browser: StudioBrowser, form: str) -> None:
    """All of it or nothing: the age of the list is part of what was not published."""
    before = _versions(app)
    assert studio.publish(browser, form, WORDS | {"least_age": "16", "body": "Yes."}).status_code == 422
    with app.app_context(), store.reading() as session:
        assert studio.the_cafe(session).mailing_list.least_age == 0
    assert _versions(app) == before


def test_a_second_text_is_offered_where_the_rules_want_it(app: Flask, browser: StudioBrowser, form: str) -> None:
    assert "second_body" not in browser.get(f"{form}/draft").text
    with app.app_context(), store.transaction() as session:
        list_rules.choose(studio.the_cafe(session).mailing_list, "ru")
    assert "ask for a second consent, about personal data" in words(browser.get(form))
    assert "processes my personal data" in browser.get(f"{form}/draft").text
    refused = studio.publish(browser, form, WORDS | {"second_body": "I agree."})
    assert refused.status_code == 422
    second = "I agree that Café Kardemomme processes my personal data to send me news."
    assert studio.publish(browser, form, WORDS | {"second_body": second}).status_code == 303
    assert "ask for a second consent" not in words(browser.get(form))
    assert second in browser.get("/f/news").text


def test_a_closed_form_takes_nobody_until_it_is_open_again(app: Flask, browser: StudioBrowser, form: str) -> None:
    assert browser.post(f"{form}/state", {"state": "closed"}).status_code == 303
    assert app.test_client().get("/f/news").status_code == 404
    assert app.test_client().post("/f/news", data={"email": "dan@people.example"}).status_code == 404
    assert "Closed" in words(browser.get(form))
    assert browser.post(f"{form}/state", {"state": "open"}).status_code == 303
    assert app.test_client().get("/f/news").status_code == 200
    assert _logged(app)[-2:] == ["form.closed", "form.opened"]


# Another language


def test_a_form_in_another_language_starts_from_words_in_it(app: Flask, browser: StudioBrowser, form: str) -> None:
    with app.app_context(), store.reading() as session:
        address = f"/studio/lists/{studio.the_cafe(session).mailing_list.public_id}/form"
    assert browser.get(address).status_code == 200
    shown = browser.get(f"{address}?spoken=da")
    assert "Ja tak: Café Kardemomme må sende mig News" in shown.text
    danish = {
        "spoken": "da", "title": "Få News", "thank_you": "Tak.", "button_label": "Tilmeld mig",
        "body": "Ja tak: Café Kardemomme må sende mig nyheder på e-mail, højst en gang om ugen.",
        "withdrawal": "Jeg kan altid framelde mig med ét klik.",
    }  # fmt: skip
    for missing in ({"body": ""}, {"spoken": "fr"}, {"spoken": ""}, {"title": " "}):
        assert browser.post(address, danish | missing).status_code == 422
    with app.app_context(), store.reading() as session:
        assert len(session.scalars(select(SignupForm)).all()) == 1
    made = browser.post(address, danish)
    assert made.status_code == 303
    assert "Dansk" in words(browser.get(made.location))
    page = app.test_client().get("/f/news-2").text
    assert '<html lang="da"' in page
    assert danish["body"] in page
    assert _logged(app)[-1] == "form.created"


# The privacy notice


def test_a_notice_is_written_from_the_starter_and_the_forms_follow(
    app: Flask, browser: StudioBrowser, form: str
) -> None:
    assert "There is none in this language yet." in words(browser.get(form))
    page = browser.get("/studio/privacy?spoken=en")
    assert "Not published yet" in words(page)
    with app.app_context(), store.reading() as session:
        body = privacy_notice.starter(studio.the_cafe(session).organisation, "en")
    said = body.replace("\n", "\r\n")
    assert browser.post("/studio/privacy", {"spoken": "en", "body": said}).status_code == 303
    assert "Linked" in words(browser.get(form))
    assert "How we use your data" in browser.get("/f/news").text
    assert _versions(app) == 2
    with app.app_context(), store.reading() as session:
        notice = session.scalars(select(PrivacyNotice)).one()
        assert notice.body == body
        name = notice.sha256
    assert _logged(app)[-1] == "notice.published"
    assert browser.post("/studio/privacy", {"spoken": "en", "body": said + "\r\n\r\nMore."}).status_code == 303
    assert f'href="/privacy/{name}"' in browser.get("/studio/privacy?spoken=en").text


def test_a_notice_with_gaps_is_refused_and_kept_in_the_field(app: Flask, browser: StudioBrowser) -> None:
    answer = browser.post("/studio/privacy", {"spoken": "en", "body": "We are nice <people>."})
    assert answer.status_code == 422
    for sentence in ("must name Café Kardemomme", "at which address to ask", "how long data is kept"):
        assert sentence in words(answer)
    assert "We are nice &lt;people&gt;.</textarea>" in answer.text
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(PrivacyNotice)).all() == []
    assert browser.post("/studio/privacy", {"spoken": "fr", "body": "x"}).status_code == 422
