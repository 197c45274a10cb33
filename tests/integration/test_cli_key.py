"""``listkeeper key``: what scripts rely on, on both databases."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    """Type command lines for a café."""
    cafe.found(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_key_is_made_listed_and_revoked(type_: Type, client: FlaskClient, session: Session) -> None:
    made = type_("key", "create", "Till", "--scope", "read", "--scope", "subscribe", "--json")
    assert made.code == 0
    assert (made.json["name"], made.json["scopes"]) == ("Till", ["read", "subscribe"])
    secret, number = made.json["secret"], made.json["id"]
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    listed = type_("key", "list", "--json")
    [row] = listed.json["keys"]
    assert (row["id"], row["scopes"], row["revoked_at"]) == (number, ["read", "subscribe"], None)
    assert secret not in listed.out
    assert secret not in type_("key", "list").out
    assert type_("key", "revoke", number, "--json").json["revoked_at"] is not None
    assert type_("key", "revoke", number).code == 0
    assert client.get("/api/v1/me", headers=headers).status_code == 401
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == number)).all()
    assert actions == ["api_key.created", "api_key.revoked"]


def test_the_secret_stands_alone_on_its_line(type_: Type) -> None:
    first, second = type_("key", "create", "Till", "--scope", "lower").out.splitlines()
    assert first.startswith("lk_")
    assert "cannot be shown again" in second


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["create", "Till"], 2),
        (["create", "Till", "--scope", "send"], 2),
        (["create", "", "--scope", "read"], 10),
        (["revoke", "key_nothing"], 11),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(type_: Type, words: list[str], code: int) -> None:
    assert type_("key", *words).code == code
    assert type_("key", "list", "--json").json == {"keys": []}
