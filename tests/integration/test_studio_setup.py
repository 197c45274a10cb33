"""The first run and the settings: a business with its list and form, or nothing at all; a logo that is one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.accounts.user import User
from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.signup_form import SignupForm
from listkeeper.sending import relay_offer
from listkeeper.sending.handing_over import way_address, way_trouble
from listkeeper.settings import Settings
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words
from tests.unit.web.studio.test_picture import jpeg, png

CAFE = {
    "legal_name": "Café Kardemomme ApS",
    "postal_address": "Havnegade 1\n1058 København",
    "from_address": "hej@cafe.example",
    "language": "da",
    "brand_colour": "#7a4b2a",
}


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The first user of a new instance, signed in by the printed link."""
    return studio.signed_in(app)


def stored(app: Flask, kind: Any) -> int:  # noqa: ANN401 - any table
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def test_before_the_business_is_named_every_screen_asks_for_it(browser: StudioBrowser) -> None:
    for path in ("/studio/", "/studio/letters", "/studio/lists", "/studio/settings", "/studio/inbox"):
        answer = browser.get(path)
        assert (answer.status_code, answer.location) == (303, "/studio/setup")
    assert "Who writes?" in words(browser.get("/studio/setup"))
    assert browser.get("/studio/security").status_code == 200


def test_naming_it_makes_a_list_a_form_and_a_text_to_read(app: Flask, browser: StudioBrowser) -> None:
    answer = browser.post("/studio/setup", CAFE)
    assert answer.status_code == 303
    with app.app_context(), store.reading() as session:
        owner = organisation.only_one(session)
        assert (owner.legal_name, owner.language, owner.from_name) == (CAFE["legal_name"], "da", CAFE["legal_name"])
        form = session.scalars(select(SignupForm)).one()
        text = session.scalars(select(ConsentText)).one()
        assert answer.location == f"/studio/forms/{form.public_id}"
        assert form.language == "da"
        expected = (text.body, text.withdrawal, text.button_label)
        address = f"http://localhost:8025/f/{form.slug}"
    assert all(sentence in words(browser.get(answer.location)) for sentence in expected)
    assert address in browser.get(answer.location).text
    # The user goes on in the language of the business, and signs in with its address.
    assert '<html lang="da"' in browser.get("/studio/").text
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(User)).one().address == "hej@cafe.example"


def test_the_form_it_made_is_open(browser: StudioBrowser) -> None:
    browser.post("/studio/setup", {**CAFE, "language": "en", "list_name": "Buns & bread"})
    assert browser.get("/f/buns-bread").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", " "),
        ("postal_address", ""),
        ("from_address", "no address"),
        ("from_address", "a@b@c"),
        ("brand_colour", "red; background: url(x)"),
        ("website", "javascript:alert(1)"),
    ],
)
def test_a_wrong_answer_keeps_what_was_typed_and_makes_nothing(
    app: Flask, browser: StudioBrowser, field: str, value: str
) -> None:
    answer = browser.post("/studio/setup", {**CAFE, field: value})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "Havnegade 1" in answer.text or field == "postal_address"
    assert [stored(app, kind) for kind in (Organisation, MailingList, SignupForm)] == [0, 0, 0]


def test_it_happens_once(app: Flask, browser: StudioBrowser) -> None:
    browser.post("/studio/setup", CAFE)
    assert browser.post("/studio/setup", CAFE).status_code == 422
    assert [stored(app, kind) for kind in (Organisation, MailingList, SignupForm)] == [1, 1, 1]
    assert browser.get("/studio/setup").location == "/studio/"


@pytest.mark.parametrize(("raw", "ending"), [(png(), "png"), (jpeg(), "jpg")], ids=["png", "jpeg"])
def test_a_logo_is_stored_by_its_content_and_served_as_a_picture(
    app: Flask, browser: StudioBrowser, settings: Settings, raw: bytes, ending: str
) -> None:
    browser.post("/studio/setup", {**CAFE, "logo": (io.BytesIO(raw), "../../logo.php")})
    with app.app_context(), store.reading() as session:
        name = organisation.only_one(session).logo
    assert name is not None
    assert name.endswith(f".{ending}")
    assert (settings.data_folder / "media" / name).read_bytes() == raw
    # A file is served straight from the disk, so the answer has to be closed.
    with browser.get(f"/media/{name}") as served:
        assert served.data == raw
        assert served.content_type == {"png": "image/png", "jpg": "image/jpeg"}[ending]
        assert served.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("raw", [b"<svg onload='alert(1)'/>", b"GIF89a", png()[:-9]], ids=["svg", "gif", "half a png"])
def test_what_is_no_picture_is_no_logo(app: Flask, browser: StudioBrowser, settings: Settings, raw: bytes) -> None:
    answer = browser.post("/studio/setup", {**CAFE, "logo": (io.BytesIO(raw), "logo.png")})
    assert answer.status_code == 422
    assert stored(app, Organisation) == 0
    media = settings.data_folder / "media"
    assert not media.exists() or list(media.iterdir()) == []


def test_an_upload_without_end_is_refused_before_it_is_read(browser: StudioBrowser) -> None:
    answer = browser.post("/studio/setup", {**CAFE, "logo": (io.BytesIO(bytes(400_000)), "logo.png")})
    assert answer.status_code in {413, 422}


def test_settings_change_the_business_or_nothing(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    browser = studio.signed_in(app)
    shown = browser.get("/studio/settings")
    assert "Practice mode" in words(shown)
    changed = {**CAFE, "from_name": "The café", "website": "https://cafe.example"}
    assert browser.post("/studio/settings", changed).status_code == 303
    with app.app_context(), store.reading() as session:
        owner = organisation.only_one(session)
        assert (owner.legal_name, owner.from_name, owner.language) == (CAFE["legal_name"], "The café", "da")
    answer = browser.post("/studio/settings", {**changed, "legal_name": "New", "from_address": "wrong"})
    assert answer.status_code == 422
    assert 'value="New"' in answer.text
    with app.app_context(), store.reading() as session:
        assert organisation.only_one(session).legal_name == CAFE["legal_name"]


def test_a_logo_can_be_taken_away(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    browser = studio.signed_in(app)
    browser.post("/studio/settings", {**CAFE, "logo": (io.BytesIO(png()), "logo.png")})
    browser.post("/studio/settings", CAFE)
    with app.app_context(), store.reading() as session:
        assert organisation.only_one(session).logo is not None
    browser.post("/studio/settings", {**CAFE, "remove_logo": "1"})
    with app.app_context(), store.reading() as session:
        assert organisation.only_one(session).logo is None


def test_settings_name_each_way_with_its_share_and_its_state(settings: Settings, app: Flask) -> None:
    written = (
        "smtp://ada:SESAME@smtp.cafe.example?weight=3 ses://AKID:SESAME@eu-west-1 "
        "mailgun://SESAME@eu/mg.cafe.example?weight=0 postmark://SESAME?domains=shop.cafe.example"
    )
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
        relay_offer.note(session, "smtp:smtp.cafe.example:587", smtputf8=True)
        way_trouble.note(session, "ses:eu-west-1", "Amazon SES does not take our mail: 400 ada@cafe.example")
    changed = {"smtp_url": None, "ways": way_address.read_all(written)}
    app.config["LISTKEEPER"] = settings.model_copy(update=changed)
    shown = studio.signed_in(app).get("/studio/settings")
    said = words(shown)
    assert "Right smtp://smtp.cafe.example 75% of the mail from other domains Last answered" in said
    assert "Wrong ses:eu-west-1 25% of the mail from other domains In trouble since" in said
    assert "Amazon SES does not take our mail: 400 <address>" in said
    spare = "Unknown mailgun:mg.cafe.example Only while no other way can carry it Nobody has spoken with it yet."
    assert spare in said
    assert "100% of the mail from shop.cafe.example" in said
    assert said.count("Our signature does not survive this way.") == 2
    assert "SESAME" not in shown.text


def test_settings_name_the_way_mail_leaves_without_its_password(settings: Settings, app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    way = "smtp+starttls://ada:secret@smtp.cafe.example:587"
    app.config["LISTKEEPER"] = settings.model_copy(update={"smtp_url": way})
    shown = studio.signed_in(app).get("/studio/settings")
    assert "smtp+starttls://smtp.cafe.example:587" in words(shown)
    assert "secret" not in shown.text
    assert "ada" not in words(shown).split()
    assert "Practice mode" not in words(shown)
