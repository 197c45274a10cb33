"""The owner's whole path through the studio, on SQLite and on PostgreSQL: same screens, same rows."""

from __future__ import annotations

from flask import Flask

from listkeeper import store
from tests.fakes.authenticator import Authenticator
from tests.fakes.databases import Database
from tests.integration import test_studio_keys as of_keys
from tests.integration import test_studio_letters as of_letters
from tests.integration.test_studio_setup import CAFE
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words


def test_from_the_printed_link_to_a_letter_on_its_way(app: Flask, database: Database) -> None:
    del database
    browser = studio.signed_in(app)
    form = browser.post("/studio/setup", {**CAFE, "language": "en", "list_name": "News"}).location
    assert browser.get(form).status_code == 200
    _readers(app)
    _keys(app, browser)
    address = of_letters.draft(browser)
    assert browser.post(address, {**of_letters.WORDS, "version": "1"}).status_code == 412
    assert "To 2 confirmed people" in words(browser.get(f"{address}/send"))
    browser.post(f"{address}/test", {"to": "me@cafe.example"})
    browser.post(f"{address}/send", {"sha256": of_letters.seen(browser, address)})
    assert "0 of 2 sent" in words(browser.get(f"{address}/progress"))
    assert "Stopped. 2 mails stayed home." in words(browser.post(f"{address}/cancel", follow_redirects=True))
    for path in ("", "lists", "letters", "domains", "settings", "security", "inbox"):
        assert browser.get(f"/studio/{path}").status_code == 200


def _readers(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        for name in ("anna", "bo"):
            cafe.subscribe(session, made, f"{name}@people.example")


def _keys(app: Flask, browser: StudioBrowser) -> None:
    """A passkey, a password, codes and recovery codes are stored and found again."""
    new = {"new_password": of_keys.PASSWORD, "new_password_confirm": of_keys.PASSWORD}
    assert browser.post("/studio/security/password", new).status_code in {302, 303}
    key = Authenticator(of_keys.ORIGIN)
    of_keys.register(browser, key)
    assert of_keys.inside(of_keys.by_passkey(app, key))
    of_keys.switch_on_codes(browser)
    codes = of_keys.recovery_codes(browser)
    second = StudioBrowser(app)
    second.post("/studio/sign-in", {"email": CAFE["from_address"], "password": of_keys.PASSWORD})
    assert not of_keys.inside(second)
    second.post("/studio/sign-in/recovery", {"code": codes[3]})
    assert of_keys.inside(second)
