"""The public door as a whole: open where it says so, silent about secrets, and unmoved by looking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.audience import confirmation, signup_form, unsubscribe
from listkeeper.foundation import signing
from listkeeper.foundation.table import Table
from listkeeper.sending import planning
from listkeeper.sending.delivery import Delivery
from listkeeper.settings import Settings
from listkeeper.web import doors, headers
from tests.makers import cafe

SITE = "http://localhost:8025"


@pytest.fixture
def values(app: Flask) -> Iterator[dict[str, str]]:
    """A café with a letter on its way, and something true for every place in an address."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session)
            cafe.subscribe(session, made, "anna@shop.example")
            asked = cafe.sign_up(session, made, "bo@shop.example")
            planning.send_campaign(session, made.organisation, cafe.draft(session, made), site=SITE)
            row = session.scalars(select(Delivery)).one()
            found = {
                "signup_page": "news",
                "form_frame": "news",
                "embed": "news",
                "confirm_page": confirmation.token_of(asked),
                "leave_page": unsubscribe.token_for(row.id),
                "preferences_page": signing.token("preferences", row.id),
                "web_view": signing.token("web-view", row.id),
                "brand": f"{made.organisation.public_id}-000000000000",
            }
        yield found


def _public(app: Flask) -> list[tuple[str, str, set[str]]]:
    locked = ("/studio", "/api/", "/metrics", "/hooks/")
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(locked) and not rule.build_only]
    return [(rule.rule, rule.endpoint, rule.methods or set()) for rule in rules]


def _policy(endpoint: str, method: str) -> str:
    """Return what is shown to whom: a letter alone, a form in anybody's frame, all else nowhere but here."""
    if endpoint.startswith("form_frame."):
        return headers.STRICT.replace("frame-ancestors 'none'", "frame-ancestors *")
    return headers.LETTER if endpoint == "web_view.show" and method != "OPTIONS" else headers.STRICT


def _content() -> dict[str, list[Any]]:
    with store.reading() as session:
        tables = Table.metadata.tables
        return {name: sorted(map(repr, session.execute(select(table)).all())) for name, table in tables.items()}


def test_every_page_without_a_lock_is_named_as_open(app: Flask) -> None:
    assert {endpoint for _, endpoint, _ in _public(app)} - doors.OPEN == set()


def test_looking_changes_nothing_sets_no_cookie_and_is_always_covered(
    app: Flask, client: FlaskClient, values: dict[str, str]
) -> None:
    before = _content()
    looked = 0
    for rule, endpoint, methods in _public(app):
        value = values.get(endpoint.partition(".")[0], "x")
        path = rule.replace("<slug>", value).replace("<token>", value).replace("<name>", value)
        for method in methods & {"GET", "HEAD", "OPTIONS"}:
            answer = client.open(f"{path}?confirm=true&email=a@b.example", method=method)
            looked += 1
            # /ready says 503 where something is missing, as it is here.
            assert answer.status_code < 500 or (rule, answer.status_code) == ("/ready", 503)
            assert "Set-Cookie" not in answer.headers
            policy = answer.headers["Content-Security-Policy"]
            assert policy == _policy(endpoint, method)
    assert looked > 20
    assert _content() == before


def test_pages_are_whole_documents_with_one_heading(app: Flask, client: FlaskClient, values: dict[str, str]) -> None:
    for path in (
        "/",
        "/f/news",
        f"/c/{values['confirm_page']}",
        f"/n/{values['confirm_page']}",
        f"/u/{values['leave_page']}",
        f"/p/{values['preferences_page']}",
        "/nowhere",
    ):
        text = client.get(path).text
        assert text.startswith("<!doctype html>")
        assert '<html lang="en" dir="ltr">' in text
        assert text.count("<h1>") == 1
        assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
        assert "<script" not in text
        assert " style=" not in text
        assert len(text.encode()) < 8_000


def test_the_front_page_is_the_form_a_choice_or_a_plain_word(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        page = client.get("/", headers={"Accept-Language": "sv"})
        assert page.status_code == 200
        assert "har inte ställts in än" in page.text
        assert "/studio" not in page.text
        with store.transaction() as session:
            made = cafe.found(session)
        assert 'action="/f/news"' in client.get("/").text
        with store.transaction() as session:
            signup_form.create(session, organisation.only_one(session), made.mailing_list)
        page = client.get("/")
        assert 'href="/f/news"' in page.text
        assert 'href="/f/news-2"' in page.text


def test_health_tells_machines_and_nothing_more(app: Flask, client: FlaskClient, settings: Settings) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["status"] == "ok"
    assert str(settings.data_folder) not in answer.text
    assert "sqlite" not in answer.text


def test_the_colour_of_the_business_is_kept_for_ever_under_its_own_address(
    client: FlaskClient, values: dict[str, str]
) -> None:
    [address] = [part for part in client.get("/me").text.split('"') if part.startswith("/brand/")]
    sheet = client.get(address)
    assert sheet.mimetype == "text/css"
    assert "immutable" in sheet.headers["Cache-Control"]
    older = client.get(f"/brand/{values['brand']}.css")
    assert older.data == sheet.data
    assert "immutable" not in older.headers["Cache-Control"]
    assert client.get("/brand/org_other-000000000000.css").status_code == 404


@pytest.mark.parametrize(("weight", "shown"), [(2_000, True), (100_000, False)])
def test_a_light_logo_is_shown_and_a_heavy_one_gives_way_to_the_name(
    client: FlaskClient, values: dict[str, str], settings: Settings, weight: int, *, shown: bool
) -> None:
    folder = settings.data_folder / "media"
    folder.mkdir()
    (folder / "abc.png").write_bytes(b"\x89PNG" + b"0" * weight)
    with store.transaction() as session:
        organisation.only_one(session).logo = "abc.png"
    page = client.get("/f/news")
    assert ('<img src="/media/abc.png" alt="Café Kardemomme">' in page.text) is shown
    assert "Café Kardemomme" in page.text
    picture = client.get("/media/abc.png", buffered=True)
    assert picture.mimetype == "image/png"
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "name", ["..%2flistkeeper.db", "../listkeeper.db", "listkeeper.db", "abc.svg", "abc.html", ".png", "%00.png"]
)
def test_only_pictures_leave_the_media_folder(
    client: FlaskClient, values: dict[str, str], settings: Settings, name: str
) -> None:
    (settings.data_folder / "media").mkdir()
    Path(settings.data_folder / "media" / "abc.svg").write_text("<svg/>")
    assert client.get(f"/media/{name}").status_code == 404
