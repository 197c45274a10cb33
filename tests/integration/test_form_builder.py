"""The form builder: a draft that nobody sees, two tabs, a version as it looked, and what keeps a form back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts import storefront
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import mailing_list, signup_form
from listkeeper.audience.forms import form_draft
from listkeeper.audience.forms.form_design import Design, Fact, Look
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from listkeeper.audience.signup_form import SignupForm, SignupFormVersion
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

JSON = {"Accept": "application/json"}
TYPED = {
    "title": "Warm news",
    "body": "Yes, Café Kardemomme may send me news about buns, at most twice a month.",
    "withdrawal": "I can stop at any time by the link in every mail.",
    "button_label": "Yes please",
    "thank_you": "Thank you!",
    "look": "warm",
    "own_colour": "yes",
    "accent": "#1f6f54",
    "button_ink": "white",
    "intro": "From our oven to your inbox",
    "gets": "Bread of the week\r\nA bun on your birthday",
    "frequency": "Twice a month",
    "answers": "You hear from us within a day.",
    "already": "We know each other.",
    "onward_url": "https://cafe.example/menu",
    "onward": "button",
    "show_call": "yes",
}


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        storefront.tell(session, made.organisation, storefront.read(made.organisation, {"phone": "+45 12 34 56 78"}))
        cafe.subscribe(session, made, "anna@people.example")
    return studio.signed_in(app)


@pytest.fixture
def form(app: Flask, browser: StudioBrowser) -> str:
    """The address of the form's page."""
    with app.app_context(), store.reading() as session:
        return f"/studio/forms/{studio.the_cafe(session).form.public_id}"


def _save(browser: StudioBrowser, form: str, base: str | int, **typed: str) -> TestResponse:
    return browser.post(f"{form}/draft", {"version": str(base), **TYPED, **typed}, headers=JSON)


def _newest(app: Flask) -> tuple[int, Design, str]:
    with app.app_context(), store.reading() as session:
        version = signup_form.newest(session, studio.the_cafe(session).form)
        return version.version, version.designed, version.title


def _logged(app: Flask) -> list[str]:
    with app.app_context(), store.reading() as session:
        return [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_a_draft_is_seen_beside_its_fields_and_by_nobody_else(app: Flask, browser: StudioBrowser, form: str) -> None:
    assert studio.draft_number(browser, f"{form}/draft") == "0"
    saved = _save(browser, form, 0)
    assert (saved.status_code, saved.get_json()["version"]) == (200, 1)
    seen = browser.get(f"{form}/draft/preview")
    assert seen.headers["Content-Security-Policy"].startswith("sandbox;")
    for said in (
        "Warm news",
        "From our oven to your inbox",
        "<li>Bread of the week</li>",
        "Twice a month",
        "tel:+4512345678",
    ):
        assert said in seen.text
    assert "--brand: #1f6f54" in seen.text
    assert "<form inert>" in seen.text
    assert "A copy of the form" not in seen.text
    assert "Warm news" not in browser.get("/f/news").text
    assert _newest(app)[0] == 1
    fields = browser.get(f"{form}/draft").text
    assert 'name="look" value="warm" checked' in fields
    assert "From our oven to your inbox" in fields


def test_two_tabs_do_not_write_over_each_other(browser: StudioBrowser, form: str) -> None:
    assert _save(browser, form, 0, title="One").status_code == 200
    assert _save(browser, form, 1, title="Two").get_json()["version"] == 2
    stale = _save(browser, form, 1, title="Three")
    assert stale.status_code == 412
    said = stale.get_json()
    assert (said["version"], said["subject"]) == (2, "Two")
    assert "Headline:\nTwo" in said["body"]
    # Without a script the page gives both back.
    page = browser.post(f"{form}/draft", {"version": "1", **TYPED, "title": "Three"})
    assert page.status_code == 412
    assert 'value="Three"' in page.text
    assert "Headline:\nTwo" in page.text
    assert 'name="title" value="Two"' in browser.get(f"{form}/draft").text


def test_a_draft_may_be_unfit_and_says_where(browser: StudioBrowser, form: str) -> None:
    wrong = {"accent": "#e8c547", "onward_url": "http://cafe.example"}
    assert _save(browser, form, 0, **wrong).status_code == 200
    shown = browser.get(f"{form}/draft")
    assert "starts with https://" in re.search(r'<p id="told-onward_url">(.*?)</p>', shown.text, re.DOTALL)[1]  # type: ignore[index]
    assert browser.get(f"{form}/draft/preview").status_code == 200
    assert _save(browser, form, 1, accent="#e8c547").status_code == 200
    shown = browser.get(f"{form}/draft/check", headers={"HX-Request": "true"})
    assert "has a contrast of 1.7 to 1 on #e8c547" in shown.text
    assert "Not ready" in shown.text
    refused = studio.publish(browser, form)
    assert refused.status_code == 422
    assert "Nobody could read that button" in words(refused)


@pytest.mark.parametrize(
    "wrong",
    [
        {"look": "sparkling"}, {"onward_url": "javascript:alert(1)"}, {"onward_url": "//evil.example"},
        {"accent": "red"}, {"gets": "\n".join("abcdefg")}, {"title": " "}, {"body": "Yes."}, {"button_ink": "pink"},
    ],
)  # fmt: skip
def test_what_is_unfit_is_never_published(app: Flask, browser: StudioBrowser, form: str, wrong: dict[str, str]) -> None:
    assert _save(browser, form, 0, **wrong).status_code == 200
    assert browser.get(f"{form}/draft").status_code == 200
    assert browser.get(f"{form}/draft/preview").status_code == 200
    assert studio.publish(browser, form).status_code == 422
    assert _newest(app)[0] == 1


def test_publishing_makes_a_version_of_what_was_looked_at(app: Flask, browser: StudioBrowser, form: str) -> None:
    _save(browser, form, 0)
    seen = studio.draft_number(browser, f"{form}/publish")
    look = words(browser.get(f"{form}/publish"))
    assert "Warm" in look
    assert "1 person said yes to the present one" in look
    _save(browser, form, 1, title="Something else")
    late = browser.post(f"{form}/publish", {"version": seen})
    assert late.status_code == 409
    assert "has changed since you looked at it" in words(late)
    assert _newest(app)[0] == 1
    assert studio.publish(browser, form).status_code == 303
    number, design, title = _newest(app)
    assert (number, title) == (2, "Something else")
    assert (design.look, design.accent, design.shows) == (Look.WARM, "#1f6f54", frozenset({Fact.CALL}))
    assert design.gets == ("Bread of the week", "A bun on your birthday")
    public = browser.get("/f/news")
    assert "/look/warm-1f6f54-white-" in public.text
    assert "Bread of the week" in public.text
    assert _logged(app)[-1] == "form.published"
    with app.app_context(), store.reading() as session:
        version = signup_form.newest(session, studio.the_cafe(session).form)
        written = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc())).first()
        assert written is not None
        assert (written.seq, written.type) == (version.ledger_seq, EventType.FORM_PUBLISHED.value)
    # The draft is what is public now, and an old tab does not write over it.
    assert "not published it yet" not in words(browser.get(form))
    assert _save(browser, form, 2, title="From an old tab").status_code == 412


def test_old_versions_are_looked_at_and_brought_back_as_drafts(app: Flask, browser: StudioBrowser, form: str) -> None:
    _save(browser, form, 0)
    studio.publish(browser, form)
    page = browser.get(f"{form}/versions/1")
    assert "1 person said yes to it" in words(page)
    old = browser.get(f"{form}/versions/1/page")
    assert old.headers["Content-Security-Policy"].startswith("sandbox;")
    assert "Get News" in old.text
    assert "A copy of the form, version 1" in old.text
    newer = browser.get(f"{form}/versions/2/page").text
    assert "Warm news" in newer
    assert "tel:" not in newer
    assert browser.get(f"{form}/versions/3").status_code == 404
    assert browser.post(f"{form}/versions/1/restore").status_code == 303
    assert _newest(app)[2] == "Warm news"
    assert 'name="title" value="Get News"' in browser.get(f"{form}/draft").text
    assert studio.publish(browser, form).status_code == 303
    assert _newest(app)[2] == "Get News"
    with app.app_context(), store.reading() as session:
        first, third = session.scalars(
            select(SignupFormVersion).where(SignupFormVersion.version != 2).order_by(SignupFormVersion.version)
        )
        assert first.consent_text_id == third.consent_text_id


def test_words_of_an_earlier_text_are_taken_and_a_draft_is_thrown_away(
    app: Flask, browser: StudioBrowser, form: str
) -> None:
    _save(browser, form, 0)
    studio.publish(browser, form)
    assert "Take the words of an earlier text" in words(browser.get(f"{form}/draft"))
    assert browser.post(f"{form}/draft/text", {"text": "1"}).status_code == 303
    assert browser.post(f"{form}/draft/text", {"text": "9"}).status_code == 404
    with app.app_context(), store.reading() as session:
        draft = form_draft.of(session, studio.the_cafe(session).form)
        assert draft is not None
        assert draft.fields["button_label"] == "Sign me up"
        assert draft.fields["title"] == "Warm news"
    assert "You have changed this form" in words(browser.get(form))
    assert browser.post(f"{form}/draft/discard").status_code == 303
    assert "You have changed this form" not in words(browser.get(form))
    assert _logged(app)[-1] == "form.draft_discarded"


def test_a_version_published_elsewhere_meanwhile_is_told(app: Flask, browser: StudioBrowser, form: str) -> None:
    _save(browser, form, 0)
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        old = signup_form.newest(session, house.form)
        signup_form.publish(session, house.form, old.consent_text, title="By command", thank_you="T")
    for page in (f"{form}/draft", f"{form}/publish"):
        assert "Version 2 was published after this draft was begun" in words(browser.get(page))


def test_the_same_form_in_another_language_keeps_the_look(app: Flask, browser: StudioBrowser, form: str) -> None:
    _save(browser, form, 0, show_languages="yes")
    studio.publish(browser, form)
    way = re.search(r'href="([^"]*/form\?like=[^"]*)"', browser.get(f"{form}/draft").text)
    assert way is not None
    address, like = way[1].split("?like=")
    shown = browser.get(f"{address}?like={like}&spoken=da").text
    assert f'name="like" value="{like}"' in shown
    danish: dict[str, Any] = {
        "spoken": "da", "like": like, "title": "Få News", "thank_you": "Tak.", "button_label": "Tilmeld mig",
        "body": "Ja tak: Café Kardemomme må sende mig nyheder på e-mail, højst en gang om ugen.",
        "withdrawal": "Jeg kan altid framelde mig med ét klik.",
    }  # fmt: skip
    assert browser.post(address, danish).status_code == 303
    with app.app_context(), store.reading() as session:
        made = session.scalars(select(SignupForm).where(SignupForm.language == "da")).one()
        design = signup_form.newest(session, made).designed
        assert (design.look, design.accent, design.intro, design.gets) == (Look.WARM, "#1f6f54", "", ())
    assert '<a href="/f/news-2" lang="da" hreflang="da">Dansk</a>' in browser.get("/f/news").text
    assert '<a href="/f/news" lang="en" hreflang="en">English</a>' in browser.get("/f/news-2").text
    unknown = danish | {"like": "frm_0", "spoken": "sv"}
    assert browser.post(address, unknown).status_code == 422


def test_an_editor_builds_no_forms(app: Flask, browser: StudioBrowser, form: str) -> None:
    stranger = app.test_client()
    for page in (
        f"{form}/draft",
        f"{form}/draft/preview",
        f"{form}/publish",
        f"{form}/versions/1/page",
        f"{form}/phone",
    ):
        assert stranger.get(page).status_code in {302, 303, 401}


# Facts and telephones


def test_facts_are_told_in_the_settings_and_shown_by_forms(browser: StudioBrowser, form: str) -> None:
    page = browser.get("/studio/settings/storefront")
    assert 'value="+45 12 34 56 78"' in page.text
    told = {
        "phone": "+45 87 65 43 21", "time_zone": "Europe/Copenhagen", "mon_opens": "08:00", "mon_shuts": "17:00",
        "place": "Havnegade 1", "links": "https://www.instagram.com/cafe",
    }  # fmt: skip
    refused = browser.post("/studio/settings/storefront", told | {"tue_opens": "8:00"})
    assert refused.status_code == 422
    assert "On Tuesday one of two times is missing." in words(refused)
    assert 'value="+45 87 65 43 21"' in refused.text
    assert browser.post("/studio/settings/storefront", told).status_code == 303
    _save(browser, form, 0, show_hours="yes", show_way="yes", show_links="yes")
    studio.publish(browser, form)
    public = browser.get("/f/news").text
    for said in ("tel:+4587654321", "Opening hours", "08:00", "maps.apple.com", "instagram.com/cafe"):
        assert said in public
    assert "tel:" not in browser.get(f"{form}/versions/2/page").text


def test_a_cheap_phone_is_asked_what_it_gets(app: Flask, browser: StudioBrowser, form: str) -> None:
    _save(browser, form, 0)
    studio.publish(browser, form)
    said = words(browser.get(f"{form}/phone"))
    for sentence in (
        "KB travel to a new visitor in 3 requests",
        "About 2",
        "set none",
        "Not measured",
        "pairs of colours",
    ):
        assert sentence in said
    assert "Mend this" not in said
    assert browser.post(f"{form}/state", {"state": "closed"}).status_code == 303
    shut = words(browser.get(f"{form}/phone"))
    assert "there is no page to measure" in shut
    assert "Right" not in shut


# Other lists on the form


def _beside(app: Flask, name: str = "Bread club") -> str:
    with app.app_context(), store.transaction() as session:
        return mailing_list.create(session, studio.the_cafe(session).organisation, name=name).public_id


def test_another_list_gets_a_box_of_its_own(app: Flask, browser: StudioBrowser, form: str) -> None:
    bread = _beside(app)
    fields = browser.get(f"{form}/draft").text
    assert f'<option value="{bread}:">' in fields
    assert _save(browser, form, 0, further=f"{bread}:").status_code == 200
    seen = browser.get(f"{form}/draft/preview").text
    assert seen.count('type="checkbox"') == 2
    assert "may send me Bread club" in seen
    looked = browser.get(f"{form}/publish")
    assert "Bread club: Yes please: Café Kardemomme may send me Bread club" in words(looked)
    assert studio.publish(browser, form).status_code == 303
    assert browser.get("/f/news").text.count('type="checkbox"') == 2
    # The starter words are a text of that list by now, and the draft names it.
    with app.app_context(), store.reading() as session:
        version = signup_form.newest(session, studio.the_cafe(session).form)
        assert [one[0] for one in version.further or []] == [bread]
        line = ":".join((version.further or [])[0])
    assert f'<option value="{line}" selected>' in browser.get(f"{form}/draft").text
    assert "may send me Bread club" in words(browser.get(form))
    # And off it goes again.
    number = studio.draft_number(browser, f"{form}/draft")
    assert _save(browser, form, number).status_code == 200
    assert studio.publish(browser, form).status_code == 303
    assert "checkbox" not in browser.get("/f/news").text


def test_a_list_that_cannot_stand_there_keeps_the_form_back(app: Flask, browser: StudioBrowser, form: str) -> None:
    bread = _beside(app)
    for field, said in (
        (f"{bread}:", "it goes by other rules"),
        ("lst_gone:", "is closed"),
        (f"{bread}:ab", "is closed"),
    ):
        with app.app_context(), store.transaction() as session:
            found = mailing_list.named(session, studio.the_cafe(session).organisation, bread)
            found.least_age = 18 if "rules" in said else 0
        number = studio.draft_number(browser, f"{form}/draft")
        assert _save(browser, form, number, further=field).status_code == 200
        assert said in words(browser.get(f"{form}/draft/check"))
        refused = browser.post(f"{form}/publish", {"version": studio.draft_number(browser, f"{form}/draft")})
        assert refused.status_code == 422
        assert said in words(refused)
    assert _newest(app)[0] == 1
