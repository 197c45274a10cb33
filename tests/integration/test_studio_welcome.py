"""The welcome letter in the studio and on the command line: begun, seen, tried, switched, exported."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import signup_form
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.campaigns import welcome
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.welcome import WelcomeLetter
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Said, Type
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner of a café with forms in two languages."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        signup_form.create(session, made.organisation, made.mailing_list, spoken="da")
    return studio.signed_in(app)


def _page(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return f"/studio/lists/{session.scalars(select(MailingList.public_id)).one()}/welcome"


def _state(app: Flask, spoken: str = "en") -> tuple[bool, str] | None:
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(WelcomeLetter).where(WelcomeLetter.language == spoken)).first()
        return (letter.is_on, letter.chosen.subject if letter.chosen else "") if letter else None


def _sha256(page: str) -> str:
    found = re.search(r'name="sha256" value="([0-9a-f]{64})"', page)
    assert found
    return found.group(1)


def test_an_owner_begins_sees_switches_on_and_off(app: Flask, browser: StudioBrowser) -> None:
    page = _page(app)
    first = browser.get(page)
    assert "Not written yet" in words(first)
    assert "Yes please: Café Kardemomme may send me News by e-mail" in words(first)
    assert "Nice that you are here" in browser.get(f"{page}/en/preview").text
    assert "Dejligt, at du er her" in browser.get(f"{page}/da/preview/text").text
    # Looking made nothing.
    assert _state(app) is None
    begun = browser.post(f"{page}/en")
    composer = browser.get(str(begun.location))
    assert "Welcome letter of News" in words(composer)
    assert "/send" not in composer.text
    assert _state(app) == (False, "")
    on = browser.post(f"{page}/en/on", {"sha256": _sha256(browser.get(page).text)}, follow_redirects=True)
    assert "Whoever says yes from now on gets this letter a minute later." in words(on)
    assert _state(app) == (True, "Welcome to News")
    off = browser.post(f"{page}/en/off", follow_redirects=True)
    assert "gets the receipt alone" in words(off)
    assert _state(app) == (False, "")


def test_words_written_later_wait_and_say_so(app: Flask, browser: StudioBrowser) -> None:
    page = _page(app)
    composer = str(browser.post(f"{page}/da").location)
    seen = _sha256(browser.get(f"{page}?language=da").text)
    browser.post(f"{page}/da/on", {"sha256": seen})
    browser.post(composer, {"subject": "Hej", "preheader": "", "markdown": "# Hej", "version": "1"})
    waiting = browser.get(f"{page}?language=da")
    assert "People still get the older ones" in words(waiting)
    # The button of a page from before is not for the words of now.
    assert browser.post(f"{page}/da/on", {"sha256": seen}).status_code == 409
    assert _state(app, "da") == (True, "Velkommen til News")
    browser.post(f"{page}/da/on", {"sha256": _sha256(waiting.text)})
    assert _state(app, "da") == (True, "Hej")


def test_a_letter_that_cannot_go_stays_off_and_says_why(app: Flask, browser: StudioBrowser) -> None:
    page = _page(app)
    composer = str(browser.post(f"{page}/en").location)
    browser.post(composer, {"subject": "", "preheader": "", "markdown": "# Hi", "version": "1"})
    answer = browser.post(f"{page}/en/on", {"sha256": _sha256(browser.get(page).text)})
    assert (answer.status_code, "The letter has no subject." in words(answer)) == (422, True)
    assert _state(app) == (False, "")


def test_it_is_tried_on_oneself_and_never_sent_to_all(app: Flask, browser: StudioBrowser) -> None:
    page = _page(app)
    composer = str(browser.post(f"{page}/da").location)
    browser.post(f"{composer}/test", {"to": "me@cafe.example"})
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(Delivery)).one()
        assert (row.message_class, row.typed_address) == (MessageClass.TEST, "me@cafe.example")
    assert str(browser.get(f"{composer}/send").location).endswith("/welcome?language=da")
    refused = browser.post(f"{composer}/send", {"sha256": "0" * 64, "sure": "yes"})
    assert refused.status_code >= 400
    assert "Welcome" not in words(browser.get("/studio/letters"))


@pytest.mark.parametrize("path", ["xx", "de", "en/on", "en/off", "en/preview/more"])
def test_what_does_not_exist_is_refused_in_words(app: Flask, browser: StudioBrowser, path: str) -> None:
    answer = browser.post(f"{_page(app)}/{path}")
    assert answer.status_code in {404, 405, 422}
    assert _state(app) is None


def test_names_of_the_business_are_text_on_the_page_and_in_the_letter(app: Flask, browser: StudioBrowser) -> None:
    with app.app_context(), store.transaction() as session:
        session.scalars(select(MailingList)).one().name = "<script>alert(1)</script>"
    page = _page(app)
    assert "<script>alert" not in browser.get(page).text
    assert "<script>alert" not in browser.get(f"{page}/en/preview").text


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    del database
    return typed.typing(monkeypatch, settings)


def test_the_command_line_writes_switches_and_shows(type_: Type, session: Session, tmp_path: Path) -> None:
    cafe.found(session)
    session.commit()

    def say(*more: str) -> Said:
        return type_("list", "welcome", "news", *more, "--json")

    letter = tmp_path / "hello.md"
    letter.write_text("# Hello\n\nThe oven is warm.", encoding="utf-8")
    assert say().json["letters"][0]["state"] == "not written"
    assert say("--subject", "Hello").error == "no_words"
    written = say("--set", str(letter), "--subject", "Hello", "--preheader", "Warm").json["letters"][0]
    assert (written["state"], written["subject"]) == ("off", "Hello")
    assert say("--on").json["letters"][0]["state"] == "on"
    letter.write_text("# Hello\n\nColder.", encoding="utf-8")
    waiting = say("--set", str(letter), "--subject", "Colder").json["letters"][0]
    assert (waiting["state"], waiting["subject"], waiting["newer_words_wait"]) == ("on", "Hello", True)
    assert "newer words wait" in type_("list", "welcome", "news").out
    assert say("--on").json["letters"][0]["subject"] == "Colder"
    assert say("--off").json["letters"][0]["state"] == "off"
    assert say("--on", "--language", "pl").error == "no_form_in_language"


def test_it_goes_along_with_its_list_and_with_everything(type_: Type, session: Session, tmp_path: Path) -> None:
    made = cafe.found(session)
    letter = welcome.begin(session, made.organisation, made.mailing_list, "en")
    welcome.switch_on(session, made.organisation, letter, site="https://mail.cafe.example")
    cafe.draft(session, made)
    session.commit()
    alone, whole = tmp_path / "list.zip", tmp_path / "all.zip"
    assert type_("export", "--list", "news", "--out", str(alone)).code == 0
    with zipfile.ZipFile(alone) as parcel:
        rows = {
            name: [json.loads(line) for line in parcel.read(f"tables/{name}.jsonl").splitlines()]
            for name in ("campaign", "revision", "welcome_letter")
        }
    assert [row["kind"] for row in rows["campaign"]] == ["welcome"]
    assert [row["subject"] for row in rows["revision"]] == ["Welcome to News"]
    assert [row["revision_id"] for row in rows["welcome_letter"]] == [rows["revision"][0]["id"]]
    assert type_("export", "--out", str(whole)).code == 0
    with zipfile.ZipFile(whole) as parcel:
        assert "news,welcome,en,draft,Welcome to News" in parcel.read("campaigns.csv").decode()


def test_the_demos_letter_goes_with_the_demo(type_: Type, session: Session) -> None:
    assert type_("demo", "--people", "5").code == 0
    slug = session.scalars(select(MailingList.slug)).first() or ""
    spoken = session.scalars(select(SignupForm.language)).first() or ""
    session.rollback()
    assert type_("list", "welcome", slug, "--on", "--language", spoken).code == 0
    assert type_("demo", "--remove").code == 0
    assert session.scalars(select(WelcomeLetter)).all() == []
    assert session.scalars(select(Campaign)).all() == []
