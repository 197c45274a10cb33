"""The names and JSON keys that scripts rely on: the table of headless use, command by command."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import confirmation, signup
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.signup import Signup
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe

LETTER = (
    "# Buns\n\nDear {{ subscriber.first_name | default: 'friend' }}, the oven is warm. [Menu](https://cafe.example)\n"
)
_INIT = ("init", "--name", "Café Ø", "--address", "Havnegade 1\\n1058 København", "--from", "hello@cafe.example")


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database) -> Type:
    """Type command lines for an instance on each database."""
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def letter(tmp_path: Path) -> str:
    """A letter as a file."""
    path = tmp_path / "letter.md"
    path.write_text(LETTER, encoding="utf-8")
    return str(path)


def _join(session: Session, client: FlaskClient, path: str, address: str) -> None:
    """Sign up on the page and press the button, as a browser would."""
    assert client.post(path, data={"email": address}).status_code == 200
    session.rollback()
    row = session.scalars(select(Signup).where(Signup.email_send == address)).one()
    signup.decide(session, row.id, cafe.NO_BRAKES)
    asked = session.scalars(select(Confirmation).where(Confirmation.signup_id == row.id)).one()
    token = confirmation.token_of(asked)
    session.commit()
    assert client.post(f"/c/{token}").status_code == 200


def test_the_whole_path_prints_what_scripts_rely_on(
    type_: Type, letter: str, session: Session, client: FlaskClient
) -> None:
    made = type_(*_INIT, "--lang", "da", "--json")
    assert (made.code, made.err) == (0, "")
    assert made.json["organisation"]["id"].startswith("org_")
    made = type_("list", "create", "--name", "Nyt fra caféen", "--json")
    assert made.json.keys() >= {"id", "slug"}
    slug = made.json["slug"]
    assert (slug, made.json["id"][:4]) == ("nyt-fra-cafeen", "lst_")
    form = type_("form", "create", "--list", slug, "--json").json
    assert form.keys() >= {"id", "slug", "url"}
    assert form["url"] == f"http://localhost:8025/f/{form['slug']}"
    for name in ("anna", "bo"):
        _join(session, client, f"/f/{form['slug']}", f"{name}@reader.example")

    _shows_a_subscriber(type_, slug)
    _sends_a_letter(type_, slug, letter)


def _shows_a_subscriber(type_: Type, slug: str) -> None:
    shown = type_("subscriber", "show", "Anna@reader.example", "--json")
    # The part before the @ is compared with small letters.
    assert shown.code == 0
    assert shown.json["address"] == "anna@reader.example"
    assert {(row["list"], row["state"]) for row in shown.json["subscriptions"]} == {(slug, "confirmed")}
    consent = shown.json["consent"]
    assert [(row["event"], row["method"], row["text_version"]) for row in consent] == [
        ("consent.requested", "form", "da-1"),
        ("consent.given", "button", "da-1"),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["at"]) for row in consent)


def _sends_a_letter(type_: Type, slug: str, letter: str) -> None:
    draft = type_("campaign", "create", "--list", slug, "--subject", "Boller", "--from", letter, "--json").json
    assert draft.keys() >= {"id", "state"}
    assert draft["state"] == "draft"
    found = type_("campaign", "check", draft["id"], "--json")
    assert found.json["ready"] is True
    assert all(row.keys() >= {"code", "severity", "message"} for row in found.json["findings"])
    # Ready is ready, also when there is no preview line and nobody asked whether the link works.
    assert found.code == 0
    assert {"WARN", "UNKNOWN"} <= {row["severity"] for row in found.json["findings"]}
    assert type_("campaign", "test", draft["id"], "--to", "me@cafe.example", "--json").code == 0
    sent = type_("campaign", "send", draft["id"], "--yes", "--json")
    assert sent.json == {"id": draft["id"], "state": "sending", "recipients": 2}
    status = type_("campaign", "status", draft["id"], "--json").json
    assert (status["state"], status["recipients"], status["in_doubt"]) == ("sending", 2, [])
    assert [status[name] for name in ("sent", "skipped", "deferred", "failed")] == [0, 0, 0, 0]


def test_every_change_is_in_the_audit_log(type_: Type, letter: str, session: Session) -> None:
    type_(*_INIT)
    type_("list", "create", "--name", "News")
    type_("form", "create", "--list", "news")
    draft = type_("campaign", "create", "--list", "news", "--subject", "S", "--from", letter, "--json").json["id"]
    type_("campaign", "test", draft, "--to", "me@cafe.example")
    type_("campaign", "cancel", draft)
    actions = [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    made = ["organisation.founded", "mailing_list.created", "signup_form.created", "campaign.created"]
    assert actions == [*made, "campaign.tested"]


def test_lists_and_forms_can_be_named_by_slug_or_id(type_: Type) -> None:
    type_(*_INIT)
    made = type_("list", "create", "--name", "News", "--json").json
    for name in (made["slug"], made["id"]):
        assert type_("form", "create", "--list", name, "--json").code == 0
    shown = type_("form", "show", "--list", made["id"], "--json").json["forms"]
    assert [row["slug"] for row in shown] == ["news", "news-2"]
    [row] = type_("list", "show", "--json").json["lists"]
    assert (row["slug"], row["people"]) == ("news", {})


def test_people_read_sentences_where_scripts_read_json(type_: Type, letter: str) -> None:
    said = [type_(*_INIT), type_("list", "create", "--name", "News"), type_("form", "create", "--list", "news")]
    made = type_("campaign", "create", "--list", "news", "--subject", "S", "--from", letter)
    said += [made, type_("list", "show"), type_("form", "show", "--list", "news")]
    for answer in said:
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.strip()
        assert not answer.out.startswith("{")
    found = type_("campaign", "check", made.out.split()[1].rstrip("."))
    assert found.code == 6
    assert "BLOCK  C3" in found.out
    assert found.out.endswith("Not ready.\n")


def test_a_letter_may_come_from_standard_input(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    type_(*_INIT)
    type_("list", "create", "--name", "News")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Blåbær".encode()), encoding="utf-8"))
    made = type_("campaign", "create", "--list", "news", "--subject", "S", "--from", "-", "--json")
    assert (made.code, made.json["state"]) == (0, "draft")


def test_the_business_is_stored_as_it_was_typed(type_: Type, session: Session) -> None:
    type_(*_INIT, "--lang", "no", "--from-name", "Ø", "--colour", "#AABBCC")
    owner = session.scalars(select(Organisation)).one()
    assert (owner.language, owner.from_name, owner.brand_colour) == ("nb", "Ø", "#aabbcc")
    assert owner.postal_address == "Havnegade 1\n1058 København"
    assert not owner.demo
