"""Keys for programs in the studio: made, shown once, revoked."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.api_key import ApiKey
from listkeeper.accounts.audit_log import AuditEntry
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

PAGE = "/studio/keys"


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _secret(page: str) -> str | None:
    found = re.search(r'value="(lk_[a-z2-7]{32})"', page)
    return found.group(1) if found else None


def test_the_way_there_starts_at_the_settings_and_at_the_keys_of_the_user(browser: StudioBrowser) -> None:
    for path in ("/studio/settings", "/studio/security"):
        assert f'href="{PAGE}"' in browser.get(path).text
    assert "None yet." in words(browser.get(PAGE))


def test_a_key_is_shown_once_and_works(app: Flask, browser: StudioBrowser) -> None:
    answer = browser.post(PAGE, {"name": "Till", "scope": ["read", "lower"]})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    secret = _secret(answer.text)
    assert secret is not None
    me = app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert me.json is not None
    assert (me.json["name"], me.json["scopes"]) == ("Till", ["read", "lower"])
    again = browser.get(PAGE)
    assert secret not in again.text
    assert "Till read lower" in words(again)


def test_a_revoked_key_stays_in_sight_and_opens_nothing(app: Flask, browser: StudioBrowser) -> None:
    secret = _secret(browser.post(PAGE, {"name": "Till", "scope": "read"}).text)
    [address] = re.findall(rf'action="({PAGE}/key_[0-9a-z]+/revoke)"', browser.get(PAGE).text)
    for _ in range(2):
        assert browser.post(address).status_code == 303
    page = browser.get(PAGE)
    assert "Revoked" in words(page)
    assert address not in page.text
    assert app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    with app.app_context(), store.reading() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("api_key")))
        assert list(actions) == ["api_key.created", "api_key.revoked"]
    assert browser.post(f"{PAGE}/key_nothing/revoke").status_code == 404


@pytest.mark.parametrize("typed", [{"name": "", "scope": "read"}, {"name": "Till"}, {"name": "Till", "scope": "send"}])
def test_a_key_without_a_name_or_a_scope_is_not_made(app: Flask, browser: StudioBrowser, typed: dict[str, str]) -> None:
    answer = browser.post(PAGE, typed)
    assert answer.status_code == 422
    assert f'value="{typed["name"]}"' in answer.text
    assert _secret(answer.text) is None
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(ApiKey)).all() == []


def test_a_name_is_only_ever_shown_as_text(browser: StudioBrowser) -> None:
    browser.post(PAGE, {"name": "<script>alert(1)</script>", "scope": "read"})
    assert "<script>alert" not in browser.get(PAGE).text
