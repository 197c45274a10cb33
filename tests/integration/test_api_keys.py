"""The lock of the api: a live key that opens what is asked, and nothing less."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import api_key, organisation
from listkeeper.accounts.api_key import ApiKey, Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.foundation.errors import Forbidden, Invalid, NotFound
from listkeeper.foundation.throttle import ThrottleWindow
from listkeeper.web.api import lock
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.programs import Program, code_of, program


@pytest.fixture
def house(app: Flask, database: Database) -> str:
    """A café with Anna on its list; returns Anna's public id."""
    with app.app_context(), store.transaction() as session:
        return cafe.subscribe(session, cafe.found(session), "anna@shop.example").public_id


def _revoke(app: Flask, who: Program) -> None:
    with app.app_context(), store.transaction() as session:
        api_key.revoke(api_key.identified(session, organisation.only_one(session), who.public_id))


def _rows(app: Flask, table: type[ThrottleWindow | AuditEntry]) -> int:
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_key_says_what_it_is(app: Flask, house: str) -> None:
    who = program(app, Scope.READ, name="Till")
    answer = who.get("/me")
    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["id"], answer.json["name"], answer.json["scopes"]) == (who.public_id, "Till", ["read"])
    assert answer.json["organisation"]["name"] == "Café Kardemomme"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Set-Cookie" not in answer.headers


def test_only_the_fingerprint_of_a_secret_is_stored(app: Flask, house: str) -> None:
    who = program(app, Scope.READ)
    assert lock.FAILURES_PER_KEY < lock.FAILURES_PER_NETWORK
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(ApiKey)).one()
        stored = [str(getattr(row, column.key)) for column in ApiKey.__table__.columns]
    assert who.secret.startswith("lk_")
    assert len(who.secret) == 35
    assert all(who.secret not in value and who.secret[3:] not in value for value in stored)


DEAD = "lk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


def test_without_a_key_nothing_opens(client: FlaskClient, house: str) -> None:
    none = [None, "", "Bearer", "Bearer ", "Basic bGs6eA==", f"Token {DEAD}", DEAD]
    wrong = [f"Bearer {DEAD}", f"Bearer {DEAD.upper()}", "Bearer x, Bearer y", f"Bearer {'x' * 4000}", "Bearer lk_é"]
    asked = (("GET", "/me"), ("GET", f"/subscribers/{house}"), ("POST", "/signups"), ("GET", "/nothing"))
    for header, code in [(header, "no_key") for header in none] + [(header, "bad_key") for header in wrong]:
        headers = {} if header is None else {"Authorization": header.encode().decode("latin-1")}
        for method, path in asked:
            answer = client.open(f"/api/v1{path}", method=method, headers=headers)
            assert (answer.status_code, code_of(answer)) == (401, code), header
            challenge = answer.headers["WWW-Authenticate"]
            assert challenge.startswith('Bearer realm="listkeeper"')
            assert ("invalid_token" in challenge) is (code == "bad_key")
            assert "anna" not in answer.text


def test_a_key_is_read_from_its_header_alone(app: Flask, client: FlaskClient, house: str) -> None:
    who = program(app)
    for path in (f"/api/v1/me?access_token={who.secret}", f"/api/v1/me?key={who.secret}"):
        assert client.get(path).status_code == 401
    assert client.get("/api/v1/me", headers={"X-Api-Key": who.secret, "Cookie": f"key={who.secret}"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": f"bearer  {who.secret} "}).status_code == 200


def test_a_key_opens_what_its_scopes_say_and_no_more(app: Flask, house: str) -> None:
    asked = {
        Scope.READ: ("GET", f"/subscribers/{house}", None),
        Scope.SUBSCRIBE: ("POST", "/signups", {"form": "frm_" + "0" * 20, "address": "a@b.example"}),
        Scope.LOWER: ("POST", "/suppressions", {"address": "a@b.example", "reason": "manual"}),
        Scope.LINKS: ("POST", "/sources", {"form": "frm_" + "0" * 20, "name": "Till"}),
    }
    for held in Scope:
        who = program(app, held)
        for needed, (method, path, body) in asked.items():
            answer = who.get(path) if method == "GET" else who.post(path, body)
            if held is needed:
                assert answer.status_code not in {401, 403}
                continue
            assert answer.status_code == 403
            assert code_of(answer) == "scope_missing"
            assert needed.value in answer.text
            assert "insufficient_scope" in answer.headers["WWW-Authenticate"]


def test_a_revoked_key_is_shut_out_at_once(app: Flask, house: str) -> None:
    who, other = program(app), program(app)
    assert who.get("/me").status_code == 200
    _revoke(app, who)
    assert code_of(who.get("/me")) == "bad_key"
    assert code_of(who.post("/suppressions", {"address": "a@b.example", "reason": "manual"})) == "bad_key"
    assert other.get("/me").status_code == 200


def test_a_key_revoked_after_the_lock_let_it_in_changes_nothing(app: Flask, house: str) -> None:
    """The lock and the change are two transactions; the second asks again."""
    who = program(app)
    with app.app_context(), store.reading() as session:
        number = session.scalars(select(ApiKey.id)).one()
    _revoke(app, who)
    with app.app_context(), store.transaction() as session, pytest.raises(Forbidden, match="revoked"):
        api_key.acting(session, number)
    with app.app_context(), store.reading() as session:
        assert session.get_one(ApiKey, number).last_acted_at is None


def test_a_script_with_a_dead_key_is_told_to_stop_and_others_go_on(app: Flask, house: str) -> None:
    dead, live = program(app), program(app)
    _revoke(app, dead)
    before = _rows(app, ThrottleWindow)
    answers = [dead.get("/me") for _ in range(lock.FAILURES_PER_KEY + 3)]
    assert [answer.status_code for answer in answers] == [401] * lock.FAILURES_PER_KEY + [429] * 3
    assert code_of(answers[-1]) == "too_many_wrong_keys"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert _rows(app, ThrottleWindow) - before == 2
    assert live.get("/me").status_code == 200


def test_a_network_that_tries_many_keys_is_braked(app: Flask, client: FlaskClient, house: str) -> None:
    keys = [f"lk_{number:032d}".translate(str.maketrans("0189", "abcd")) for number in range(70)]
    statuses = [client.get("/api/v1/me", headers={"Authorization": f"Bearer {key}"}).status_code for key in keys]
    assert statuses == [401] * lock.FAILURES_PER_NETWORK + [429] * (70 - lock.FAILURES_PER_NETWORK)
    elsewhere = client.get(
        "/api/v1/me", headers={"Authorization": f"Bearer {keys[0]}"}, environ_overrides={"REMOTE_ADDR": "198.51.100.7"}
    )
    assert elsewhere.status_code == 401


def test_looking_leaves_no_trace_and_a_change_is_noted(app: Flask, house: str) -> None:
    who = program(app)
    who.get("/me")
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(ApiKey)).one().last_acted_at is None
    who.post("/suppressions", {"address": "a@b.example", "reason": "manual"})
    with app.app_context(), store.reading() as session:
        first = session.scalars(select(ApiKey)).one().last_acted_at
        entry = session.scalars(select(AuditEntry)).one()
        assert first is not None
        assert (entry.actor, entry.action) == (f"api:{who.public_id}", "suppression.added")
    who.post("/suppressions", {"address": "c@b.example", "reason": "manual"})
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(ApiKey)).one().last_acted_at == first
    assert _rows(app, AuditEntry) == 2


def test_a_key_of_another_business_sees_nothing_of_this_one(app: Flask, house: str) -> None:
    with app.app_context(), store.transaction() as session:
        other = Organisation(
            legal_name="Other", postal_address="Street 1", from_name="O", from_address="o@other.example", language="en"
        )
        session.add(other)
        session.flush()
        made, secret = api_key.make(session, other, name="Spy", scopes=tuple(Scope))
        spy = Program(app, made.public_id, secret)
    assert spy.get("/lists").json == {"lists": []}
    assert spy.get("/forms").json == {"forms": []}
    assert spy.get("/subscribers").json == {"subscribers": [], "next": None}
    assert spy.get(f"/subscribers/{house}").status_code == 404
    assert spy.get(f"/subscribers/{house}/consent").status_code == 404
    assert spy.post("/subscribers/lookup", {"address": "anna@shop.example"}).status_code == 404
    assert spy.post(f"/subscribers/{house}/restriction").status_code == 404
    spy.post("/suppressions", {"address": "anna@shop.example", "reason": "complaint"})
    mine = program(app, Scope.READ)
    assert mine.post("/suppressions/lookup", {"address": "anna@shop.example"}).json == {"suppressions": []}


def test_a_key_needs_a_name_and_a_scope(app: Flask, house: str) -> None:
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        for name in ("", "  ", "x" * 121, "a\nb\x07"):
            with pytest.raises(Invalid):
                api_key.make(session, owner, name=name, scopes=[Scope.READ])
        with pytest.raises(Invalid):
            api_key.make(session, owner, name="Shop", scopes=[])
        with pytest.raises(NotFound):
            api_key.identified(session, owner, "key_nothing")


def test_a_scope_this_version_does_not_know_opens_nothing(app: Flask, house: str) -> None:
    who = program(app, Scope.READ)
    with app.app_context(), store.transaction() as session:
        session.scalars(select(ApiKey)).one().scopes = ["send", "everything"]
    assert who.get("/me").status_code == 200
    assert who.get("/lists").status_code == 403
