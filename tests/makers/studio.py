"""A browser of the studio: signs in by the one-time link, and puts the page's own token into every form."""

from __future__ import annotations

import html
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts import organisation, sign_in_link, user
from listkeeper.audience import mailing_list, signup_form
from tests.makers.cafe import Cafe

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class StudioBrowser:
    """One person's browser, with its cookies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self._token: str | None = None

    def get(self, path: str, **options: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's own options
        """Open a page."""
        return self.client.get(path, **options)

    def token(self) -> str:
        """Return this session's token, as a page carries it; it lives as long as the session."""
        if self._token:
            return self._token
        for path in ("/studio/security", "/studio/sign-in"):
            found = _TOKEN.search(self.get(path).text)
            if found:
                self._token = found.group(1)
                return self._token
        raise AssertionError("no page of the studio carries a token")

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:  # noqa: ANN401
        """Send a form with the session's token."""
        answer = self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **options)
        if "sign-out" in path:
            self._token = None
        return answer

    def enter(self) -> TestResponse:
        """Sign in by a fresh one-time link."""
        return self.post(f"/studio/enter/{fresh_link(self.app)}")


def fresh_link(app: Flask) -> str:
    """Return the token of a new one-time link of the oldest user."""
    with app.app_context(), store.transaction() as session:
        return sign_in_link.make(session, user.first(session))


def signed_in(app: Flask) -> StudioBrowser:
    """Return a browser in which the oldest user is signed in."""
    browser = StudioBrowser(app)
    answer = browser.enter()
    assert answer.status_code == 303, answer.text
    return browser


def the_cafe(session: Session) -> Cafe:
    """Return the café that another session founded."""
    owner = organisation.only_one(session)
    news = mailing_list.all_of(session, owner)[0]
    return Cafe(owner, user.first(session), news, signup_form.all_of(session, news)[0])


def save_draft(browser: StudioBrowser, form: str, typed: dict[str, str]) -> TestResponse:
    """Save a draft of the form at an address, on whatever is saved already."""
    return browser.post(f"{form}/draft", {"version": draft_number(browser, f"{form}/draft"), **typed})


def publish(browser: StudioBrowser, form: str, typed: dict[str, str] | None = None) -> TestResponse:
    """Publish the draft of a form, saved first where something is typed."""
    if typed is not None:
        assert save_draft(browser, form, typed).status_code == 303
    return browser.post(f"{form}/publish", {"version": draft_number(browser, f"{form}/publish")})


def draft_number(browser: StudioBrowser, page: str) -> str:
    """Return the number of the draft that a page of the form builder shows."""
    found = re.search(r'name="version" value="(\d+)"', browser.get(page).text)
    assert found is not None
    return found[1]


def words(answer: TestResponse) -> str:
    """Return what a page says, without its tags, in one line."""
    body = re.sub(r"<(script|style|svg|head)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
