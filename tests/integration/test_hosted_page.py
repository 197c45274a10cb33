"""The hosted page as strangers meet it: its look, its facts, and the way on that opens only after a yes."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.accounts import storefront
from listkeeper.audience import confirmation, signup_form
from listkeeper.audience.forms.form_design import Design, Fact, Look, Onward
from listkeeper.rendering import form_snapshot
from tests.fakes.databases import Database
from tests.makers import cafe, studio

ANNA = "anna@people.example"
MENU = "https://cafe.example/menu"
FULL = Design(
    look=Look.BOLD,
    intro="Warm from the oven",
    gets=("Bread & buns",),
    frequency="On Thursdays",
    answers="Within a day",
    already="We <b>know</b> each other.",
    onward_url=MENU,
    onward_label="To the menu",
    shows=frozenset(Fact),
)
TOLD = {
    "phone": "+45 12 34 56 78", "place": "Havnegade 1, 1058 København", "links": "https://www.instagram.com/cafe",
    "mon_opens": "9:00", "mon_shuts": "17:00", "time_zone": "Europe/Copenhagen",
}  # fmt: skip


def _open(app: Flask, design: Design) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        storefront.tell(session, made.organisation, storefront.read(made.organisation, TOLD))
        words = signup_form.starter(made.organisation, made.mailing_list, "en")
        said = replace(words, design=design)
        signup_form.publish_words(session, made.organisation, made.form, said, show=form_snapshot.page_of)


def _asked(app: Flask) -> str:
    with app.app_context(), store.transaction() as session:
        return confirmation.token_of(cafe.sign_up(session, studio.the_cafe(session), ANNA))


def test_the_page_says_and_shows_all_of_it_without_script_or_cookie(app: Flask, database: Database) -> None:
    _open(app, FULL)
    page = app.test_client().get("/f/news")
    for said in (
        "Warm from the oven", "<li>Bread &amp; buns</li>", "<dt>How often</dt><dd>On Thursdays</dd>",
        "<dd>Within a day</dd>", 'href="tel:+4512345678"', "Call +45 12 34 56 78", "Monday", "09:00", "Google Maps",
        "Apple Maps", "OpenStreetMap",
        'href="https://www.instagram.com/cafe" rel="noreferrer">Instagram',
    ):  # fmt: skip
        assert said in page.text
    assert not re.search(r"<script|<iframe|<img|style=", page.text)
    assert "Set-Cookie" not in page.headers
    # What is said to those who are on the list already, and the way on, are not for strangers.
    assert "know" not in page.text
    assert MENU not in page.text
    assert page.headers["Content-Security-Policy"].count("form-action 'self';") == 1


def test_it_is_packed_for_whoever_can_unpack_it_and_fits_a_bad_line(app: Flask) -> None:
    _open(app, FULL)
    browser = app.test_client()
    plain = browser.get("/f/news")
    packed = browser.get("/f/news", headers={"Accept-Encoding": "gzip"})
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert plain.headers["Vary"] == packed.headers["Vary"]
    assert "Opening hours" in gzip.decompress(packed.data).decode()
    sheets = [
        browser.get(address, buffered=True)
        for address in re.findall(r'<link rel="stylesheet" href="([^"]+)"', plain.text)
    ]
    assert [sheet.status_code for sheet in sheets] == [200, 200]
    assert "immutable" in sheets[1].headers["Cache-Control"]
    assert len(plain.data) + sum(len(sheet.data) for sheet in sheets) <= 15 * 1024
    assert len(packed.data) < len(plain.data) / 2


@pytest.mark.parametrize(
    "name", ["glitter-7a4b2a-auto-0", "warm-7a4b2-auto-0", "warm-7a4b2a-pink-0", "warm-zzzzzz-auto-0"]
)
def test_a_look_that_is_none_is_not_served(app: Flask, name: str) -> None:
    _open(app, FULL)
    assert app.test_client().get(f"/look/{name}.css").status_code == 404
    old = app.test_client().get("/look/warm-7a4b2a-auto-0.css")
    assert old.status_code == 200
    assert "immutable" not in old.headers["Cache-Control"]


# The way on


def test_the_way_on_is_a_button_after_the_yes(app: Flask, database: Database) -> None:
    _open(app, FULL)
    token, browser = _asked(app), app.test_client()
    asking = browser.get(f"/c/{token}")
    assert MENU not in asking.text
    assert "form-action 'self';" in asking.headers["Content-Security-Policy"]
    done = browser.post(f"/c/{token}")
    assert done.status_code == 200
    assert f'<a class="button" href="{MENU}" rel="noreferrer">To the menu</a>' in done.text
    assert "We &lt;b&gt;know&lt;/b&gt;" not in done.text
    again = browser.post(f"/c/{token}")
    assert "We &lt;b&gt;know&lt;/b&gt; each other." in again.text
    assert MENU in again.text


def test_the_way_on_at_once_is_the_answer_to_the_yes_and_to_nothing_else(app: Flask, database: Database) -> None:
    _open(app, replace(FULL, onward=Onward.AT_ONCE))
    browser = app.test_client()
    posted = browser.post("/f/news", data={"email": ANNA})
    assert posted.status_code == 200
    assert "Location" not in posted.headers
    assert "form-action 'self' https://cafe.example;" in posted.headers["Content-Security-Policy"]
    token = _asked(app)
    asking = browser.get(f"/c/{token}?next=https://evil.example&url=https://evil.example")
    assert (asking.status_code, MENU in asking.text) == (200, False)
    assert "form-action 'self' https://cafe.example;" in asking.headers["Content-Security-Policy"]
    assert browser.get("/c/forged").status_code == 404
    assert "Location" not in browser.post("/c/forged", data={"next": "https://evil.example"}).headers
    done = browser.post(f"/c/{token}", data={"next": "https://evil.example", "onward_url": "https://evil.example"})
    assert (done.status_code, done.headers["Location"]) == (303, MENU)
    assert done.headers["Referrer-Policy"] == "no-referrer"
    assert token not in done.headers["Location"]
    assert browser.post(f"/c/{token}").headers["Location"] == MENU
    # A GET of the used link shows a page, as always.
    assert browser.get(f"/c/{token}").status_code == 200


def test_a_form_without_a_way_on_answers_as_ever(app: Flask) -> None:
    _open(app, replace(FULL, onward_url="", already=""))
    token, browser = _asked(app), app.test_client()
    assert 'class="button"' not in browser.post(f"/c/{token}").text
    assert "Thank you. You are on the list." in browser.post(f"/c/{token}").text
