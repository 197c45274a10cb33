"""Follow-ups by command and by key: the same numbers, the same switches, and the scopes they need."""

from __future__ import annotations

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.accounts import api_key
from listkeeper.accounts.api_key import Scope
from listkeeper.campaigns import follow_up
from listkeeper.campaigns.follow_up import FollowUpState
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe, follow_ups, works


@pytest.fixture
def line(app: Flask, database: Database) -> str:
    """A line of two letters that is off."""
    with app.app_context(), store.transaction() as session:
        house = cafe.found(session)
        return follow_ups.line(session, house, on=False).public_id


def _key(app: Flask, *scopes: Scope) -> dict[str, str]:
    with app.app_context(), store.transaction() as session:
        _row, secret = api_key.make(session, works.here(session).organisation, name="Till", scopes=scopes)
        return {"Authorization": f"Bearer {secret}"}


def test_a_program_reads_and_switches_with_the_scopes_it_needs(app: Flask, line: str) -> None:
    client, reads, steers = app.test_client(), _key(app, Scope.READ), _key(app, Scope.READ, Scope.CAMPAIGNS)
    at = f"/api/v1/follow-ups/{line}"
    shown = client.get(at, headers=reads).get_json()
    assert (shown["state"], [step["wait_days"] for step in shown["steps"]]) == ("draft", [2, 3])
    assert client.post(f"{at}/on", json={}, headers=reads).status_code == 403
    for act, state in (("on", "on"), ("pause", "paused"), ("on", "on"), ("off", "draft")):
        answer = client.post(f"{at}/{act}", json={}, headers=steers)
        assert (answer.status_code, answer.get_json().get("state")) == (200, state), answer.get_json()
    assert client.post(f"{at}/pause", json={}, headers=steers).status_code == 409
    (brief,) = client.get("/api/v1/follow-ups", headers=reads).get_json()["follow_ups"]
    assert brief["id"] == line
    assert client.get(f"{at}/log", headers=reads).get_json() == {"log": []}
    assert client.get(f"/api/v1/follow-ups/fup_{'0' * 20}", headers=reads).status_code == 404


@pytest.mark.parametrize("body", [{"x": 1}, [], "on"])
def test_what_is_no_order_is_refused(app: Flask, line: str, body: object) -> None:
    answer = app.test_client().post(f"/api/v1/follow-ups/{line}/on", json=body, headers=_key(app, Scope.CAMPAIGNS))
    assert answer.status_code in {400, 422}
    with app.app_context(), store.reading() as session:
        assert follow_up.identified(session, works.here(session).organisation, line).state is FollowUpState.DRAFT


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, line: str) -> Type:
    """Type command lines for the instance that has the line."""
    return typed.typing(monkeypatch, settings)


def test_the_commands_show_and_switch_it(line: str, type_: Type) -> None:
    (row,) = type_("follow-up", "list", "--json").json["follow_ups"]
    assert (row["id"], row["state"], row["running"]) == (line, "draft", 0)
    assert [type_("follow-up", act, line, "--json").json["state"] for act in ("on", "pause", "on", "off")] == [
        "on", "paused", "on", "draft",
    ]  # fmt: skip
    told = type_("follow-up", "show", line, "--json").json
    assert [(step["wait_days"], step["mailed"], step["skipped"]) for step in told["steps"]] == [(2, 0, {}), (3, 0, {})]
    assert type_("follow-up", "log", line, "--json").json == {"log": []}
    assert type_("follow-up", "pause", line, "--json").json["error"]["code"] == "follow_up_state"
    assert type_("follow-up", "show", "fup_x", "--json").json["error"]["code"] == "no_follow_up"


def test_the_cap_is_shown_and_chosen(line: str, type_: Type) -> None:
    assert type_("follow-up", "cap", "--json").json == {"mails": 4, "days": 7, "letters": False}
    chosen = type_("follow-up", "cap", "--mails", "2", "--letters", "--json").json
    assert chosen == {"mails": 2, "days": 7, "letters": True}
    assert type_("follow-up", "cap", "--none", "--json").json == {"mails": None, "days": 7, "letters": True}
