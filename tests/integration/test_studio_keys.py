"""A user's own keys: passkeys, codes from an app, recovery codes, and what a thief could do with half of them."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.passkey import Passkey
from listkeeper.accounts.user import User
from listkeeper.foundation import clock
from tests.fakes.authenticator import Authenticator
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

PASSWORD = "three warm cardamom buns"
ORIGIN = "http://localhost"


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The owner's browser, signed in, with a password set."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    made = studio.signed_in(app)
    made.post("/studio/security/password", {"new_password": PASSWORD, "new_password_confirm": PASSWORD})
    return made


def inside(browser: StudioBrowser) -> bool:
    return browser.get("/studio/letters").status_code == 200


def by_password(app: Flask) -> StudioBrowser:
    made = StudioBrowser(app)
    made.post("/studio/sign-in", {"email": "owner@cafe.example", "password": PASSWORD})
    return made


# Passkeys


def asked(page: str) -> tuple[dict[str, Any], str]:
    """Return what the page asks the browser, and where the answer goes."""
    options = re.search(r'<lk-passkey act="\w+" options="([^"]+)"', page)
    action = re.search(r'<form method="post" action="([^"]+)"', page[page.index("<lk-passkey") :])
    assert options
    assert action
    return json.loads(html.unescape(options.group(1))), html.unescape(action.group(1))


def register(browser: StudioBrowser, key: Authenticator, name: str = "My phone") -> str:
    page = browser.post("/studio/security/passkeys", {"name": name, "usage": "first"})
    options, action = asked(page.text)
    return words(browser.post(action, {"credential": key.create(options)}, follow_redirects=True))


def by_passkey(app: Flask, key: Authenticator) -> StudioBrowser:
    made = StudioBrowser(app)
    options, action = asked(made.post("/studio/sign-in/passkey").text)
    made.post(action, {"credential": key.get(options)})
    return made


def test_a_passkey_signs_in_without_a_name_or_a_password(app: Flask, browser: StudioBrowser) -> None:
    key = Authenticator(ORIGIN)
    assert "“My phone” opens the studio" in register(browser, key)
    assert "My phone" in words(browser.get("/studio/security"))
    assert inside(by_passkey(app, key))
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Passkey.sign_count)).one() == 1


def test_any_device_may_hold_a_passkey_and_must_ask_who_holds_it(browser: StudioBrowser) -> None:
    page = browser.post("/studio/security/passkeys", {"name": "My phone", "usage": "first"})
    chosen = asked(page.text)[0]["authenticatorSelection"]
    assert "authenticatorAttachment" not in chosen
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")


def test_a_device_that_does_not_ask_is_refused(browser: StudioBrowser, app: Flask) -> None:
    assert "could not be checked" in register(browser, Authenticator(ORIGIN, verifies=False))
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Passkey)).all() == []


def test_a_passkey_made_on_a_false_page_is_refused(app: Flask, browser: StudioBrowser) -> None:
    assert "could not be checked" in register(browser, Authenticator("http://listkeeper.example"))
    key = Authenticator(ORIGIN)
    register(browser, key)
    key.origin = "http://listkeeper.example"
    assert not inside(by_passkey(app, key))


def test_an_answer_to_another_question_is_refused(app: Flask, browser: StudioBrowser) -> None:
    key = Authenticator(ORIGIN)
    register(browser, key)
    thief = StudioBrowser(app)
    options, _ = asked(thief.post("/studio/sign-in/passkey").text)
    _, other = asked(thief.post("/studio/sign-in/passkey").text)
    thief.post(other, {"credential": key.get(options)})
    assert not inside(thief)


def test_a_question_grows_old(app: Flask, browser: StudioBrowser) -> None:
    key = Authenticator(ORIGIN)
    register(browser, key)
    late = StudioBrowser(app)
    options, action = asked(late.post("/studio/sign-in/passkey").text)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        late.post(action, {"credential": key.get(options)})
    assert not inside(late)


def test_an_unknown_passkey_opens_nothing(app: Flask, browser: StudioBrowser) -> None:
    del browser
    assert not inside(by_passkey(app, Authenticator(ORIGIN)))


@pytest.mark.parametrize("nonsense", ["", "{}", "[]", "not json", '{"id": 1}'])
def test_nonsense_is_no_passkey(app: Flask, browser: StudioBrowser, nonsense: str) -> None:
    del browser
    made = StudioBrowser(app)
    _, action = asked(made.post("/studio/sign-in/passkey").text)
    assert made.post(action, {"credential": nonsense}).status_code in {200, 302, 303}
    assert not inside(made)


def test_a_removed_passkey_opens_nothing(app: Flask, browser: StudioBrowser) -> None:
    key = Authenticator(ORIGIN)
    register(browser, key)
    browser.post("/studio/security/passkeys/remove", {"name": "My phone"})
    assert not inside(by_passkey(app, key))


def test_the_first_user_may_add_keys_before_there_is_a_business(app: Flask) -> None:
    made, key = studio.signed_in(app), Authenticator(ORIGIN)
    assert "opens the studio" in register(made, key)
    assert by_passkey(app, key).get("/studio/security").status_code == 200
    assert switch_on_codes(made)


def test_two_passkeys_need_two_names(browser: StudioBrowser) -> None:
    register(browser, Authenticator(ORIGIN))
    answer = browser.post("/studio/security/passkeys", {"name": "My phone", "usage": "first"})
    assert "already have a passkey called “My phone”" in words(answer)


# Codes from an app


def code_at(key: str, moment: float) -> str:
    """Return the six digits of RFC 6238 for a base-32 key at a moment."""
    secret = base64.b32decode(key.replace("-", "").replace(" ", "") + "=" * (-len(key.replace("-", "")) % 8))
    digest = hmac.digest(secret, int(moment // 30).to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def switch_on_codes(browser: StudioBrowser) -> str:
    """Set up an app; return its key."""
    page = browser.post("/studio/security/codes", {"setup": "authenticator"}).text
    key = re.search(r"<code>([A-Z2-7-]+)</code>", page)
    action = re.search(r'action="(/studio/security/codes/[^"]+)"', page)
    assert key
    assert action
    assert 'src="data:image/svg+xml;base64,' in page
    answer = browser.post(html.unescape(action.group(1)), {"code": code_at(key.group(1), clock.now().timestamp())})
    assert answer.status_code in {302, 303}, words(answer)
    return key.group(1)


def test_a_code_is_asked_for_after_the_password(app: Flask, browser: StudioBrowser) -> None:
    key = switch_on_codes(browser)
    made = by_password(app)
    assert not inside(made)
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        made.post("/studio/sign-in/code", {"code": code_at(key, clock.now().timestamp())})
        assert inside(made)


def test_no_code_works_twice(app: Flask, browser: StudioBrowser) -> None:
    key = switch_on_codes(browser)
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
        code = code_at(key, clock.now().timestamp())
        first, second = by_password(app), by_password(app)
        first.post("/studio/sign-in/code", {"code": code})
        second.post("/studio/sign-in/code", {"code": code})
        assert inside(first)
        assert not inside(second)


def test_a_wrong_code_is_refused_in_words_and_counted(app: Flask, browser: StudioBrowser) -> None:
    switch_on_codes(browser)
    made = by_password(app)
    answers = [made.post("/studio/sign-in/code", {"code": f"{number:06d}"}) for number in range(25)]
    assert "not right" in words(answers[0])
    assert answers[-1].status_code == 429
    assert not inside(made)


def test_a_key_of_an_app_is_stored_sealed(app: Flask, browser: StudioBrowser) -> None:
    key = switch_on_codes(browser)
    with app.app_context(), store.reading() as session:
        stored = session.scalars(select(User.tf_totp_secret)).one()
    assert stored is not None
    assert key.replace("-", "") not in stored
    assert "enckey" in stored


def test_a_passkey_is_two_steps_in_one(app: Flask, browser: StudioBrowser) -> None:
    key = Authenticator(ORIGIN)
    register(browser, key)
    switch_on_codes(browser)
    assert inside(by_passkey(app, key))


def test_codes_can_be_switched_off(app: Flask, browser: StudioBrowser) -> None:
    switch_on_codes(browser)
    browser.post("/studio/security/codes", {"setup": "disable"})
    assert inside(by_password(app))


def test_a_code_without_the_password_opens_nothing(app: Flask, browser: StudioBrowser) -> None:
    key = switch_on_codes(browser)
    made = StudioBrowser(app)
    made.post("/studio/sign-in/code", {"code": code_at(key, clock.now().timestamp() + 60)})
    assert not inside(made)


# Recovery codes


def recovery_codes(browser: StudioBrowser) -> list[str]:
    page = browser.post("/studio/security/recovery", {"generate_new_codes": "1"}).text
    return re.findall(r"<li>([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})</li>", page)


def test_a_recovery_code_stands_in_for_the_app_once(app: Flask, browser: StudioBrowser) -> None:
    switch_on_codes(browser)
    codes = recovery_codes(browser)
    assert len(codes) == 8
    first = by_password(app)
    first.post("/studio/sign-in/recovery", {"code": codes[0]})
    assert inside(first)
    second = by_password(app)
    second.post("/studio/sign-in/recovery", {"code": codes[0]})
    assert not inside(second)


def test_recovery_codes_are_stored_sealed_and_shown_once(app: Flask, browser: StudioBrowser) -> None:
    switch_on_codes(browser)
    codes = recovery_codes(browser)
    with app.app_context(), store.reading() as session:
        stored = json.dumps(session.scalars(select(User.mf_recovery_codes)).one())
    assert not any(code in stored for code in codes)
    for address in ("/studio/security/recovery", "/studio/security/recovery?show_codes=1", "/studio/security"):
        assert not any(code in browser.get(address).text for code in codes)


def test_keys_ask_again_after_a_while(browser: StudioBrowser) -> None:
    with time_machine.travel(clock.now() + timedelta(hours=13)):
        answer = browser.get("/studio/security/passkeys")
        assert answer.status_code in {302, 303}
        assert answer.location.startswith("/studio/again")
        assert "show once more that it is you" in words(browser.get("/studio/again"))
        browser.post("/studio/again", {"password": PASSWORD})
        assert browser.get("/studio/security/passkeys").status_code == 200


def test_what_is_done_to_keys_is_written_down(app: Flask, browser: StudioBrowser) -> None:
    register(browser, Authenticator(ORIGIN))
    browser.post("/studio/security/passkeys/remove", {"name": "My phone"})
    switch_on_codes(browser)
    browser.post("/studio/security/codes", {"setup": "disable"})
    with app.app_context(), store.reading() as session:
        actions = set(session.scalars(select(AuditEntry.action)))
    assert actions >= {
        "user.signed_in",
        "user.password_changed",
        "user.passkey_added",
        "user.passkey_removed",
        "user.codes_switched_on",
        "user.codes_switched_off",
    }
