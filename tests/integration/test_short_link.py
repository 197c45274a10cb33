"""Short links: where they lead, what they carry, what they count, and what of it a sign-up keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.audience import signup, signup_form, source, subscriber, subscription, visit
from listkeeper.audience.signup import Signup
from listkeeper.audience.source import Channel
from listkeeper.audience.visit import Visits
from listkeeper.foundation.errors import TryAgain
from tests.fakes.databases import Database
from tests.makers import cafe, studio

PHONE = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Instagram 400.0"}
Follow = Callable[..., TestResponse]


@pytest.fixture
def client(app: Flask, database: Database) -> FlaskClient:
    """A stranger's phone, near a café with a link on Instagram."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        marks = {"utm_source": "instagram", "utm_medium": "bio"}
        source.create(session, made.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio", utm=marks)
    return app.test_client()


@pytest.fixture
def follow(client: FlaskClient) -> Follow:
    def go(path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(path, headers=PHONE | named, buffered=True)

    return go


def _visits(app: Flask) -> Visits:
    with app.app_context(), store.reading() as session:
        return next(iter(visit.totals(session).values()), Visits())


def _hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_it_leads_to_the_form_and_says_from_where(app: Flask, follow: Follow) -> None:
    answer = follow("/s/ig-bio")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    target = urlsplit(answer.location)
    assert (target.scheme, target.netloc, target.path) == ("", "", "/f/news")
    marks = {"s": ["ig-bio"], "utm_source": ["instagram"], "utm_medium": ["bio"]}
    assert parse_qs(target.query) == marks
    assert "Set-Cookie" not in answer.headers
    assert _visits(app) == Visits(1, 0)


def test_marks_of_the_link_itself_win(follow: Follow) -> None:
    target = urlsplit(follow("/s/ig-bio?utm_source=story&utm_term=buns&evil=1&s=other").location)
    marks = {"s": ["ig-bio"], "utm_source": ["story"], "utm_medium": ["bio"], "utm_term": ["buns"]}
    assert parse_qs(target.query) == marks


@pytest.mark.parametrize(
    "path",
    [
        "/s/ig-bio?utm_source=https://evil.example",
        "/s/ig-bio?next=https://evil.example&url=//evil.example",
        "/s/https:%2F%2Fevil.example",
        "/s/%2F%2Fevil.example",
        "/s/%5C%5Cevil.example",
        "/s/ig-bio%0d%0aLocation:%20https:%2F%2Fevil.example",
        "/s/nothing%00",
    ],
)
def test_it_never_leads_elsewhere(follow: Follow, path: str) -> None:
    answer = follow(path)
    # 308: two slashes in a row are one, on this very host.
    assert answer.status_code in {302, 308, 404}
    if answer.status_code != 404:
        target = urlsplit(answer.location)
        assert (target.scheme, target.netloc) in {("", ""), ("http", "localhost")}
        assert target.path in {"/", "/f/news", "/s/evil.example"}
        assert not answer.location.startswith(("//", "\\"))


def test_a_mistyped_link_leads_to_the_form_and_counts_nowhere(app: Flask, follow: Follow, client: FlaskClient) -> None:
    answer = follow("/s/ig-boi?utm_source=poster")
    assert (answer.status_code, answer.location) == (302, "/?s=ig-boi&utm_source=poster")
    page = client.get(answer.location)
    assert page.status_code == 200
    assert (_hidden(page.text)["s"], _hidden(page.text)["utm_source"]) == ("ig-boi", "poster")
    assert _visits(app) == Visits()


def test_an_archived_link_still_leads_to_the_form_and_counts(app: Flask, follow: Follow) -> None:
    with app.app_context(), store.transaction() as session:
        found = source.with_slug(session, "ig-bio")
        assert found is not None
        source.archive(found)
    assert urlsplit(follow("/s/IG-BIO").location).path == "/f/news"
    assert _visits(app) == Visits(1, 0)


def test_when_every_form_is_closed_a_calm_page_says_so(app: Flask, follow: Follow, client: FlaskClient) -> None:
    with app.app_context(), store.transaction() as session:
        signup_form.close(studio.the_cafe(session).form)
    page = client.get(follow("/s/ig-bio").location)
    assert page.status_code == 404
    assert "This sign-up form does not exist or has been closed." in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"},
        {"X_Purpose": "preview"},
        {"User_Agent": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
        {"User_Agent": "WhatsApp/2.23.20.0 A"},
        {"User_Agent": "TelegramBot (like TwitterBot)"},
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User_Agent": "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0) Chrome/131.0 Safari/537.36"},
        {"User_Agent": "LinkedInBot/1.0 (compatible; Mozilla/5.0)"},
        {"User_Agent": "curl/8.9.1"},
        {"User_Agent": ""},
    ],
)
def test_programs_are_counted_beside_people(app: Flask, follow: Follow, headers: dict[str, str]) -> None:
    assert follow("/s/ig-bio", **headers).status_code == 302
    assert _visits(app) == Visits(0, 1)


@pytest.mark.parametrize(
    "browser",
    [
        PHONE["User-Agent"],
        "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/500.0]",
        "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36 musical_ly_38",
    ],
)
def test_phones_and_the_browsers_inside_apps_are_people(app: Flask, follow: Follow, browser: str) -> None:
    follow("/s/ig-bio", User_Agent=browser)
    assert _visits(app) == Visits(1, 0)


def test_a_head_counts_nothing(app: Flask, client: FlaskClient) -> None:
    assert client.head("/s/ig-bio", headers=PHONE).status_code == 302
    assert client.options("/s/ig-bio", headers=PHONE).status_code == 200
    assert _visits(app) == Visits()


def test_a_database_that_is_busy_keeps_nobody_from_the_form(
    app: Flask, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_rest: object, **_options: object) -> None:
        raise TryAgain("database_unavailable", "busy")

    monkeypatch.setattr(visit, "count", refuse)
    assert follow("/s/ig-bio").status_code == 302


def _sign_up(app: Flask, client: FlaskClient, landing: TestResponse, address: str) -> Signup:
    fields = _hidden(landing.text) | {"email": address}
    answer = client.post("/f/news", data=fields, headers=PHONE | {"Origin": "http://localhost"})
    assert answer.status_code == 200, answer.text
    with app.app_context(), store.transaction() as session:
        row = session.scalars(select(Signup).where(Signup.email_send == address)).one()
        signup.decide(session, row.id, cafe.NO_BRAKES)
        session.expunge(row)
        return row


def test_a_signup_keeps_where_it_came_from(app: Flask, follow: Follow, client: FlaskClient) -> None:
    """The browser hands the site it came from on over the redirect; the page hands it on to its own post."""
    away = {"Referer": "https://l.instagram.com/?u=https%3A%2F%2Fcafe.example&e=secret"}
    landing = client.get(follow("/s/ig-bio", **away).location, headers=PHONE | away)
    assert "secret" not in landing.text
    row = _sign_up(app, client, landing, "anna@guest.example")
    assert (row.source, row.referrer, row.origin) == ("ig-bio", "https://l.instagram.com", "http://localhost")
    assert row.utm == {"utm_source": "instagram", "utm_medium": "bio"}
    with app.app_context(), store.reading() as session:
        owner = studio.the_cafe(session)
        person = subscriber.named(session, owner.organisation, "anna@guest.example")
        held = subscription.of(session, person.id, owner.mailing_list.id)
        found = source.with_slug(session, "ig-bio")
        assert held is not None
        assert found is not None
        assert held.source_id == found.id


def test_a_stripped_referrer_takes_nothing_from_the_count(app: Flask, follow: Follow, client: FlaskClient) -> None:
    row = _sign_up(app, client, client.get(follow("/s/ig-bio").location, headers=PHONE), "bo@guest.example")
    assert (row.source, row.referrer) == ("ig-bio", None)


def test_a_typo_in_the_address_loses_nothing_of_where_she_came_from(client: FlaskClient) -> None:
    first = client.get("/f/news?s=ig-bio", headers=PHONE | {"Referer": "android-app://com.instagram.android/"})
    assert _hidden(first.text)["r"] == "android-app://com.instagram.android"
    again = client.post("/f/news", data=_hidden(first.text) | {"email": "no address"}, headers=PHONE)
    assert again.status_code == 422
    kept = {name: value for name, value in _hidden(again.text).items() if name in {"s", "r"}}
    assert kept == {"s": "ig-bio", "r": "android-app://com.instagram.android"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("http://localhost:8025/", None),
        ("http://localhost/f/news", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://user:secret@shop.example:8443/a?b#c", "https://shop.example:8443"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]"),
        ("https://shop.example:99999/", None),
        ("https://Shop.Example/<b>", "https://shop.example"),
    ],
)
def test_only_the_origin_of_another_site_is_kept(client: FlaskClient, told: str, kept: str | None) -> None:
    page = client.get("/f/news", headers=PHONE | {"Referer": told})
    assert _hidden(page.text).get("r") == kept


def test_what_the_page_is_told_back_is_an_origin_or_nothing(app: Flask, client: FlaskClient) -> None:
    for number, told in enumerate(('"><script>', "https://x.example/path?secret", "r" * 5000)):
        address = f"cleo{number}@guest.example"
        client.post("/f/news", data={"email": address, "r": told}, headers=PHONE)
        with app.app_context(), store.reading() as session:
            row = session.scalars(select(Signup).where(Signup.email_send == address)).one()
            assert row.referrer in {None, "https://x.example"}
