"""What a program should never send, and what no route of the api ever does: raise permission."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience import answering, complaint, confirmation, signup, subscriber, suppression, unsubscribe
from listkeeper.audience.consent import ConsentEvent, Method
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.audience.suppression import Suppression
from listkeeper.web.api import lock
from tests.architecture import routes
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.programs import Program, code_of, program

WHO = ("new", "pending", "confirmed", "left", "complained", "refused", "restricted")


@pytest.fixture
def shop(app: Flask, database: Database) -> Program:
    """A program with every scope, at a café that knows one person of each kind."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        people = {name: cafe.subscribe(session, made, f"{name}@shop.example") for name in WHO[2:5] + WHO[6:]}
        cafe.sign_up(session, made, "pending@shop.example")
        refused = cafe.sign_up(session, made, "refused@shop.example")
        answering.refuse(session, confirmation.token_of(refused))
        unsubscribe.leave(session, people["left"].id, made.mailing_list.id, Method.PAGE)
        complaint.complain(session, people["complained"].id)
        subscriber.restrict(session, people["restricted"], actor="user:1")
    return program(app)


def _raw(shop: Program, path: str, body: bytes, content_type: str = "application/json") -> TestResponse:
    return shop.client.post(f"/api/v1{path}", data=body, content_type=content_type, headers=shop.headers)


# Bodies


NOT_ONE_OBJECT = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b'{"address": "a@b.example", "address": "c@b.example"}',
    b'{"address": NaN}',
    b'{"address": -Infinity}',
    b'{"address": "a\\u0000@b.example"}',
    b'{"address": "\\ud800@b.example"}',
    b'{"a\\u0000": 1}',
    b'{"address": "\xff\xfe"}',
    b"\xef\xbb\xbf{}",
    '{"address": "a@b.example"}'.encode("utf-16"),
    b'{"address": ' + b"9" * 5000 + b"}",
    b'{"address": ' + b"[" * 7000 + b"]" * 7000 + b"}",
    b'{"address": ' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}",
    b"\x00",
    b"{} {}",
    b"address=a%40b.example",
]


def test_what_is_not_one_json_object_is_refused(shop: Program) -> None:
    for path in ("/suppressions", "/suppressions/lookup", "/signups", "/subscribers/lookup", "/exports", "/sources"):
        answers = {body: _raw(shop, path, body) for body in NOT_ONE_OBJECT}
        assert {body for body, answer in answers.items() if answer.status_code != 400} == set()
        assert {code_of(answer) for answer in answers.values()} == {"not_json"}
        assert not any("b.example" in answer.text for answer in answers.values())


def test_a_body_says_that_it_is_json(shop: Program) -> None:
    body = b'{"address": "a@b.example", "reason": "manual"}'
    for said in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"):
        answer = _raw(shop, "/suppressions", body, said)
        assert (answer.status_code, code_of(answer)) == (415, "not_json_type")


def test_a_charset_beside_the_type_does_no_harm(shop: Program) -> None:
    body = b'{"address": "a@b.example", "reason": "manual"}'
    assert _raw(shop, "/suppressions", body, "Application/JSON; charset=utf-8").status_code == 201


def test_a_field_is_as_described_or_refused_by_its_name(shop: Program) -> None:
    right: dict[str, Any] = {"address": "a@b.example", "reason": "manual"}
    for body, pointer in (
        (right | {"state": "confirmed"}, "#/state"),
        ({"reason": "manual"}, "#/address"),
        (right | {"address": ["a@b.example"]}, "#/address"),
        (right | {"address": "a" * 1001}, "#/address"),
        (right | {"address": None}, "#/address"),
        (right | {"a/b~c": 1}, "#/a~1b~0c"),
    ):
        answer = shop.post("/suppressions", body)
        assert (answer.status_code, code_of(answer)) == (422, "not_valid")
        assert answer.json is not None
        assert [each["pointer"] for each in answer.json["errors"]] == [pointer]
        assert "b.example" not in answer.text


def test_a_body_that_is_too_large_is_not_read(shop: Program) -> None:
    answer = _raw(shop, "/suppressions", b'{"address": "' + b"a" * lock.BODY_LIMIT + b'"}')
    assert (answer.status_code, code_of(answer)) == (413, "http_413")


def test_nested_fields_are_as_strict(shop: Program) -> None:
    wish = {"form": "frm_" + "0" * 20, "address": "a@b.example"}
    for utm, pointer in (
        ({"utm_other": "x"}, "#/utm/utm_other"),
        ({"utm_source": "x" * 301}, "#/utm/utm_source"),
        ({"utm_source": {"a": 1}}, "#/utm/utm_source"),
        ([], "#/utm"),
    ):
        answer = shop.post("/signups", wish | {"utm": utm})
        assert code_of(answer) == "not_valid"
        assert answer.json is not None
        assert [each["pointer"] for each in answer.json["errors"]] == [pointer]


def test_a_fault_of_ours_says_nothing_of_the_inside(app: Flask, shop: Program) -> None:
    with app.app_context(), store.transaction() as session:
        studio.the_cafe(session).mailing_list.public_id = "canary@b.example"
    app.testing = False
    answer = shop.get("/lists")
    assert (answer.status_code, code_of(answer)) == (500, "our_fault")
    assert "canary" not in answer.text
    assert "Traceback" not in answer.text


# Nothing raises


def _permission(app: Flask) -> dict[str, tuple[object, ...]]:
    """Return what each person may be sent on account of: states, bases, restrictions, live suppressions."""
    with app.app_context(), store.reading() as session:
        held = {
            f"{row[0]} {row[1]}": (row[2], row[3], row[4])
            for row in session.execute(
                select(
                    Subscriber.email_key,
                    Subscription.list_id,
                    Subscription.state,
                    Subscription.basis,
                    Subscriber.restricted_at.is_not(None),
                ).join(Subscription, Subscription.subscriber_id == Subscriber.id)
            )
        }
        stops = session.execute(
            select(Suppression.key, Suppression.scope, Suppression.reason).where(Suppression.lifted_at.is_(None))
        )
        return held | {"live": tuple(sorted(f"{row[0]} {row[1]} {row[2].value}" for row in stops))}


def _raised(before: dict[str, tuple[object, ...]], after: dict[str, tuple[object, ...]]) -> list[str]:
    """Name everybody who may be sent more than before."""
    found = [f"{stop} was lifted" for stop in set(before["live"]) - set(after["live"])]
    for who, now in after.items():
        if who == "live":
            continue
        state, basis, restricted = now
        was_state, was_basis, was_restricted = before.get(who, (None, Basis.NONE, False))
        if state is SubscriptionState.CONFIRMED and was_state is not SubscriptionState.CONFIRMED:
            found.append(f"{who} is confirmed")
        if basis is not Basis.NONE and basis is not was_basis:
            found.append(f"{who} has a basis")
        if was_restricted and not restricted:
            found.append(f"{who} is no longer restricted")
        if was_state not in {None, state} and state is SubscriptionState.PENDING:
            found.append(f"{who} is asked again without a wish of her own")
    return found


def _true_bodies(form: str, news: str, address: str) -> list[dict[str, Any]]:
    """Return a body of every kind."""
    return [
        {},
        {"list": news},
        {"address": address},
        {"form": form, "address": address},
        {"form": form, "name": "Till"},
        *({"address": address, "reason": reason} for reason in ("manual", "complaint", "objection", "legal", "unsub")),
        {"address": address, "reason": "unsub", "list": news},
    ]


def _greedy_bodies(form: str, news: str, address: str) -> list[dict[str, Any]]:
    """Return bodies that try to get more than a program may have."""
    greedy = ({"state": "confirmed"}, {"basis": "consent"}, {"confirmed": True}, {"restricted": False})
    return [body | more for body in _true_bodies(form, news, address) for more in greedy]


Bodies = Callable[[str, str, str], list[dict[str, Any]]]


def _requests(app: Flask, held: list[Program], bodies: Bodies) -> list[tuple[Program, str, str, dict[str, Any]]]:
    """Return every route with every method, key, person and body."""
    with app.app_context(), store.reading() as session:
        made = studio.the_cafe(session)
        form, news = made.form.public_id, made.mailing_list.public_id
        people = {row.email_key: row.public_id for row in session.scalars(select(Subscriber))}
    found = []
    for rule, method in routes.rules(app, "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
        for address in (f"{name}@shop.example" for name in WHO if routes.is_api(rule)):
            someone = people.get(address, people["confirmed@shop.example"])
            path = rule.rule.replace("<subscriber_id>", someone).replace("<list_id>", news)
            some = bodies(form, news, address) if method == "POST" else [{}]
            found += [(who, method, path, body) for who in held for body in some]
    return found


def test_no_route_with_any_scope_ever_raises_permission(
    app: Flask, shop: Program, share: Callable[[str, int, int], int], chance: random.Random
) -> None:
    single = [program(app, scope) for scope in Scope]
    true = _requests(app, [shop], _true_bodies)
    wrong = _requests(app, single, _true_bodies) + _requests(app, [shop, *single], _greedy_bodies)
    assert len({path.rpartition("/")[2] for _, _, path, _ in true}) > 10
    asked = chance.sample(true, share("requests that the api takes", len(true), 250))
    asked += chance.sample(wrong, share("requests that it should refuse", len(wrong), 200))
    changed, before = 0, _permission(app)
    for who, method, path, body in asked:
        answer = who.client.open(path, method=method, json=body, headers=who.headers, buffered=True)
        assert answer.status_code < 500, (method, path, body, answer.text)
        after = _permission(app)
        assert _raised(before, after) == [], (method, path, body)
        assert method == "POST" or after == before
        changed, before = changed + (after != before), after
    assert changed > 3


def _walk(app: Flask, who: Program, body: dict[str, Any], subscriber_id: str) -> None:
    for path in ("/signups", "/suppressions", f"/subscribers/{subscriber_id}/unsubscriptions"):
        who.post(path, body)
    who.post(f"/subscribers/{subscriber_id}/restriction", {})
    with app.app_context(), store.transaction() as session:
        for number in session.scalars(select(Signup.id).where(Signup.origin.startswith("api:"))).all():
            signup.decide(session, number, cafe.NO_BRAKES)


@pytest.mark.parametrize("name", WHO)
def test_whatever_a_program_says_about_a_person_she_has_no_more_permission_after(
    app: Flask, shop: Program, name: str
) -> None:
    with app.app_context(), store.reading() as session:
        made = studio.the_cafe(session)
        form, news = made.form.public_id, made.mailing_list.public_id
        found = session.scalars(select(Subscriber).where(Subscriber.email_key == f"{name}@shop.example")).first()
        known = found.public_id if found else "sub_" + "0" * 20
        acts = session.scalars(select(ConsentEvent.id)).all()
    address = f"{name}@shop.example"
    for body in _true_bodies(form, news, address) + _greedy_bodies(form, news, address):
        before = _permission(app)
        _walk(app, shop, body, known)
        assert _raised(before, _permission(app)) == [], body
    with app.app_context(), store.reading() as session:
        new = session.scalars(select(ConsentEvent).where(ConsentEvent.id.not_in(acts))).all()
        assert {row.kind.value for row in new} <= {
            "consent.requested",
            "consent.withdrawn",
            "consent.objected",
            "consent.complained",
        }
        assert all(row.method in {Method.API, Method.FORM} for row in new)


def test_the_judge_of_this_file_sees_a_raise(app: Flask, shop: Program) -> None:
    before = _permission(app)
    with app.app_context(), store.transaction() as session:
        held = session.scalars(select(Subscription).where(Subscription.state == SubscriptionState.PENDING)).one()
        held.state, held.basis = SubscriptionState.CONFIRMED, Basis.CONSENT
        session.scalars(select(Subscriber).where(Subscriber.restricted_at.is_not(None))).one().restricted_at = None
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == "left@shop.example")).one()
        scopes = [row.scope for row in suppression.reasons(session, person.organisation_id, person.suppression_key)]
        suppression.lift(
            session, person.organisation_id, person.suppression_key, scopes, suppression.LIFTED_BY_CONFIRMING
        )
    raised = "\n".join(_raised(before, _permission(app)))
    for word in ("is confirmed", "has a basis", "no longer restricted", "was lifted"):
        assert word in raised


def test_a_body_is_json_dumped_the_way_programs_do(shop: Program) -> None:
    """Escapes and plain UTF-8 are one and the same address, and one and the same request."""
    plain = json.dumps({"address": "a@økologi.example", "reason": "manual"}, ensure_ascii=False).encode()
    escaped = json.dumps({"address": "a@økologi.example", "reason": "manual"}).encode()
    assert plain != escaped
    assert _raw(shop, "/suppressions", plain).data == _raw(shop, "/suppressions", escaped).data
    found = shop.post("/suppressions/lookup", {"address": "a@xn--kologi-9xa.example"}).json
    assert found is not None
    assert len(found["suppressions"]) == 1
