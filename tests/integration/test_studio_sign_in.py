"""Signing in: by link, by password, by code; out; how often one may try; and what a cookie may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import sign_in_link
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.sign_in_link import SignInLink
from listkeeper.accounts.user import User
from listkeeper.settings import Settings
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

PASSWORD = "three warm cardamom buns"


@pytest.fixture
def owner(app: Flask) -> str:
    """A business whose owner signs in as owner@cafe.example; the address."""
    with app.app_context(), store.transaction() as session:
        return str(cafe.found(session).owner.address)


def set_password(browser: StudioBrowser, new: str = PASSWORD, **more: str) -> None:
    answer = browser.post("/studio/security/password", {"new_password": new, "new_password_confirm": new, **more})
    assert answer.status_code in {302, 303}, words(answer)


def by_password(browser: StudioBrowser, address: str, password: str = PASSWORD) -> int:
    return browser.post("/studio/sign-in", {"email": address, "password": password}).status_code


def inside(browser: StudioBrowser) -> bool:
    return browser.get("/studio/letters").status_code == 200


def test_a_stranger_is_sent_to_the_sign_in_page_and_back_again_later(app: Flask, owner: str) -> None:
    del owner
    browser = StudioBrowser(app)
    answer = browser.get("/studio/letters/new?list=x")
    assert answer.status_code == 303
    assert answer.location == "/studio/sign-in?next=/studio/letters/new?list%3Dx"
    browser.enter()
    assert browser.get("/studio/letters/new").status_code == 200


def test_a_script_without_a_session_is_told_why(app: Flask, owner: str) -> None:
    del owner
    answer = StudioBrowser(app).get("/studio/letters", headers={"Accept": "application/json"})
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "signed_out"


def test_a_part_that_polls_without_a_session_leads_to_the_door_but_never_away_from_a_text(
    app: Flask, owner: str
) -> None:
    del owner
    browser, htmx = StudioBrowser(app), {"HX-Request": "true"}
    polled = browser.get("/studio/letters/cmp_x/progress", headers=htmx)
    assert (polled.status_code, polled.headers["HX-Redirect"]) == (204, "/studio/sign-in")
    panel = browser.get("/studio/letters/cmp_x/check", headers=htmx)
    assert panel.status_code == 204
    assert "HX-Redirect" not in panel.headers


def test_opening_a_link_changes_nothing_and_its_button_works_once(app: Flask, owner: str) -> None:
    del owner
    token = studio.fresh_link(app)
    address = f"/studio/enter/{token}"
    browser = StudioBrowser(app)
    for _ in range(3):
        assert "works once" in words(browser.get(address))
        browser.client.head(address)
    assert not inside(browser)
    assert browser.post(address).status_code == 303
    assert inside(browser)
    other = StudioBrowser(app)
    answer = other.post(address)
    assert answer.status_code == 403
    assert "has been used" in words(answer)
    assert not inside(other)


def test_a_link_grows_old(app: Flask, owner: str, frozen_clock: time_machine.Traveller) -> None:
    del owner
    token = studio.fresh_link(app)
    frozen_clock.shift(sign_in_link.LIFETIME + timedelta(seconds=1))
    browser = StudioBrowser(app)
    assert browser.get(f"/studio/enter/{token}").status_code == 403
    assert browser.post(f"/studio/enter/{token}").status_code == 403
    assert not inside(browser)


def test_a_link_needs_a_token_of_its_page(app: Flask, owner: str) -> None:
    del owner
    token = studio.fresh_link(app)
    assert app.test_client().post(f"/studio/enter/{token}").status_code == 403
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(SignInLink)).one().used_at is None


def test_who_signed_in_is_written_down(app: Flask, owner: str) -> None:
    del owner
    studio.signed_in(app)
    with app.app_context(), store.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "user.signed_in")).one()
        assert entry.actor == f"user:{session.scalars(select(User)).one().id}"


def test_a_password_is_hashed_with_argon2_and_signs_in(app: Flask, owner: str) -> None:
    browser = studio.signed_in(app)
    set_password(browser)
    with app.app_context(), store.reading() as session:
        stored = session.scalars(select(User.password)).one()
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    fresh = StudioBrowser(app)
    assert by_password(fresh, owner.upper()) in {302, 303}
    assert inside(fresh)


@pytest.mark.parametrize("bad", ["short", "", " " * 12])
def test_a_password_that_is_none_is_refused_in_words(app: Flask, owner: str, bad: str) -> None:
    del owner
    browser = studio.signed_in(app)
    answer = browser.post("/studio/security/password", {"new_password": bad, "new_password_confirm": bad})
    assert answer.status_code == 200
    assert "password" in words(answer).lower()
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(User.password)).one() is None


def test_known_and_unknown_addresses_get_the_same_answer(app: Flask, owner: str) -> None:
    set_password(studio.signed_in(app))
    said = []
    for address in (owner, "nobody@cafe.example"):
        answer = StudioBrowser(app).post("/studio/sign-in", {"email": address, "password": "not the password"})
        said.append((answer.status_code, words(answer).replace(address, ""), sorted(answer.headers.keys())))
    assert said[0] == said[1]
    assert "not right" in said[0][1]


def test_an_unknown_address_costs_as_much_time_as_a_known_one(app: Flask, owner: str) -> None:
    """The library hashes something either way; this looks that it does, not how long it takes."""
    set_password(studio.signed_in(app))
    context = app.extensions["security"].pwd_context
    counted: list[str] = []
    for name in ("hash", "verify"):
        _count(context, name, counted)
    for address in (owner, "nobody@cafe.example"):
        counted.clear()
        StudioBrowser(app).post("/studio/sign-in", {"email": address, "password": "not the password"})
        assert len(counted) == 1


def _count(context: object, name: str, counted: list[str]) -> None:
    real: Callable[..., object] = getattr(context, name)

    def counting(*given: object, **named: object) -> object:
        counted.append(name)
        return real(*given, **named)

    setattr(context, name, counting)


def test_a_changed_password_ends_the_other_sessions(app: Flask, owner: str) -> None:
    del owner
    here, elsewhere = studio.signed_in(app), studio.signed_in(app)
    set_password(here)
    assert inside(here)
    assert not inside(elsewhere)
    again = studio.signed_in(app)
    set_password(here, "four cold rye loaves", password=PASSWORD)
    assert inside(here)
    assert not inside(again)


def test_the_present_password_is_asked_for(app: Flask, owner: str) -> None:
    browser = studio.signed_in(app)
    set_password(browser)
    new = {"new_password": "four cold rye loaves", "new_password_confirm": "four cold rye loaves"}
    assert browser.post("/studio/security/password", new).status_code == 200
    assert browser.post("/studio/security/password", {**new, "password": "wrong"}).status_code == 200
    assert by_password(StudioBrowser(app), owner) in {302, 303}


def test_signing_out_ends_this_session_and_everywhere_ends_all(app: Flask, owner: str) -> None:
    del owner
    one, two, three = (studio.signed_in(app) for _ in range(3))
    one.post("/studio/sign-out")
    assert [inside(each) for each in (one, two, three)] == [False, True, True]
    two.post("/studio/security/sign-out-everywhere")
    assert [inside(each) for each in (one, two, three)] == [False, False, False]


def test_signing_out_is_never_a_get(app: Flask, owner: str) -> None:
    del owner
    browser = studio.signed_in(app)
    assert browser.get("/studio/sign-out").status_code == 405
    assert inside(browser)


@pytest.mark.parametrize("step", ["code", "lost", "which", "recovery"])
def test_looking_at_a_page_on_the_way_in_signs_nobody_out(app: Flask, owner: str, step: str) -> None:
    del owner
    browser = studio.signed_in(app)
    answer = browser.get(f"/studio/sign-in/{step}")
    assert (answer.status_code, answer.location) == (303, "/studio/")
    assert inside(browser)


def test_a_user_who_is_switched_off_is_out_at_once(app: Flask, owner: str) -> None:
    browser = studio.signed_in(app)
    set_password(browser)
    with app.app_context(), store.transaction() as session:
        session.scalars(select(User)).one().active = False
    assert not inside(browser)
    assert by_password(StudioBrowser(app), owner) == 200


def test_too_many_attempts_have_to_wait(app: Flask, owner: str, settings: Settings) -> None:
    set_password(studio.signed_in(app))
    browser = StudioBrowser(app)
    codes = [by_password(browser, owner, "wrong one") for _ in range(settings.sign_ins_per_hour + 1)]
    assert codes[0] == 200
    assert codes[-1] == 429
    # Also with the right password, and by a link: who tries too often has to wait whatever they bring.
    answer = StudioBrowser(app).post("/studio/sign-in", {"email": owner, "password": PASSWORD})
    assert answer.status_code == 429
    assert "wait an hour" in words(answer)


def test_one_account_is_guarded_from_many_networks(app: Flask, owner: str) -> None:
    set_password(studio.signed_in(app))
    codes, browser = [], StudioBrowser(app)
    for number in range(25):
        form = {"email": owner, "password": "wrong one"}
        answer = browser.post("/studio/sign-in", form, environ_overrides={"REMOTE_ADDR": f"192.0.2.{number + 1}"})
        codes.append(answer.status_code)
    assert codes[0] == 200
    assert codes[-1] == 429


def test_the_cookie_is_for_the_studio_alone(app: Flask, owner: str) -> None:
    del owner
    answer = StudioBrowser(app).enter()
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie
    assert "; Path=/studio" in cookie
    assert "Secure" not in cookie


@pytest.mark.usefixtures("_sqlite")
def test_the_cookie_is_secure_where_the_site_is(settings: Settings) -> None:
    from listkeeper.app import create_app  # noqa: PLC0415 - as the fixture does

    app = create_app(settings.model_copy(update={"public_url": "https://post.cafe.example"}))
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    browser = StudioBrowser(app)
    secure = {"base_url": "https://post.cafe.example"}
    address = f"/studio/enter/{studio.fresh_link(app)}"
    shown = browser.client.get(address, **secure)
    token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
    assert token
    headers = {"Referer": f"https://post.cafe.example{address}"}
    answer = browser.client.post(address, data={"csrf_token": token.group(1)}, headers=headers, **secure)
    assert answer.status_code == 303
    assert "; Secure" in answer.headers["Set-Cookie"]


def test_a_token_of_another_session_is_refused(app: Flask, owner: str) -> None:
    del owner
    mine, theirs = studio.signed_in(app), studio.signed_in(app)
    answer = mine.client.post("/studio/lists", data={"csrf_token": theirs.token(), "name": "Forged"})
    assert answer.status_code == 403
    assert "Nothing was changed" in words(answer)


@pytest.mark.parametrize("way", ["header", "address", "json"])
def test_no_token_of_the_library_opens_the_studio(app: Flask, owner: str, way: str) -> None:
    del owner
    with app.test_request_context(), store.reading() as session:
        from listkeeper.web.studio.member import Member  # noqa: PLC0415 - after the application

        token = str(session.scalars(select(Member)).one().get_auth_token())
    client = app.test_client()
    answer = {
        "header": lambda: client.get("/studio/letters", headers={"Authentication-Token": token}),
        "address": lambda: client.get(f"/studio/letters?auth_token={token}"),
        "json": lambda: client.get("/studio/letters", json={"auth_token": token}),
    }[way]()
    assert answer.status_code == 303
    assert "/studio/sign-in" in answer.location


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_signing_in_leads_to_no_other_site(app: Flask, owner: str, elsewhere: str) -> None:
    set_password(studio.signed_in(app))
    browser = StudioBrowser(app)
    form = {"email": owner, "password": PASSWORD, "next": elsewhere}
    answer = browser.post("/studio/sign-in", form)
    parts = urlsplit(answer.location or "/")
    assert (parts.scheme, parts.netloc) == ("", "")
    assert parts.path.startswith("/")


def test_the_language_is_the_visitors_then_the_users(app: Flask, owner: str) -> None:
    del owner
    browser = StudioBrowser(app)
    shown = browser.get("/studio/sign-in", headers={"Accept-Language": "sv"})
    assert '<html lang="sv"' in shown.text
    browser.post("/studio/language", {"language": "pl", "back": "/studio/sign-in"})
    assert '<html lang="pl"' in browser.get("/studio/sign-in").text
    browser.enter()
    answer = browser.post("/studio/language", {"language": "da", "back": "/studio/letters"})
    assert answer.location == "/studio/letters"
    assert '<html lang="da"' in studio.signed_in(app).get("/studio/letters").text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/studio\\..\\evil", "/f/news"])
def test_the_language_switch_leads_to_no_other_site(app: Flask, owner: str, elsewhere: str) -> None:
    del owner
    answer = studio.signed_in(app).post("/studio/language", {"language": "da", "back": elsewhere})
    assert answer.location == "/studio/"
