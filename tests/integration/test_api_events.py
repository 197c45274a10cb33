"""Events from the shop: each with an outcome of its own, stored once, told to nobody who may not read people."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.audience import subscriber
from listkeeper.audience.activity import Activity, ActivityKind
from listkeeper.audience.posted_event import POSTED, PostedEvent
from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import conversion_ref
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Fact
from listkeeper.sending import own_data
from listkeeper.sending.link_visit import Named
from tests.fakes.databases import Database
from tests.makers import attack, cafe, studio
from tests.makers.programs import Program, code_of, program
from tests.makers.studio import words

ORDER = {
    "name": "order", "subscriber": "anna@shop.example", "id": "A-1", "at": "2026-11-23T09:15:00+01:00",
    "amount": 24900, "currency": "DKK",
}  # fmt: skip


@pytest.fixture
def anna(app: Flask, database: Database) -> str:
    """A café with Anna on its list; returns Anna's public id."""
    with app.app_context(), store.transaction() as session:
        return cafe.subscribe(session, cafe.found(session), "anna@shop.example").public_id


@pytest.fixture
def till(app: Flask, anna: str) -> Program:
    return program(app, Scope.EVENTS, Scope.READ)


def _post(who: Program, *events: dict[str, Any]) -> list[str]:
    answer = who.post("/events", {"events": list(events)})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return [each["outcome"] for each in answer.json["results"]]


def _stored(app: Flask) -> list[tuple[str, str, int | None, str | None]]:
    with app.app_context(), store.reading() as session:
        rows = session.scalars(select(PostedEvent).order_by(PostedEvent.id))
        return [(row.name, row.external_id, row.amount, row.currency) for row in rows]


def _number(app: Flask, table: type[Fact | Activity | Subscriber], *which: Any) -> int:  # noqa: ANN401
    with app.app_context(), store.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*which)) or 0


def test_an_order_is_stored_once_and_wakes_who_waits_for_it(app: Flask, till: Program, anna: str) -> None:
    assert _post(till, ORDER, ORDER, ORDER | {"subscriber": anna}) == ["stored", "known", "known"]
    assert _post(till, ORDER) == ["known"]
    assert _stored(app) == [("order", "A-1", 24900, "DKK")]
    assert _number(app, Fact, Fact.name == POSTED) == 1
    assert _number(app, Activity, Activity.kind == ActivityKind.BOUGHT) == 1


def test_another_event_under_a_number_that_is_taken_is_refused(app: Flask, till: Program) -> None:
    assert _post(till, ORDER, ORDER | {"amount": 1}) == ["stored", "conflict"]
    assert _post(till, ORDER | {"at": "2026-11-23T09:16:00+01:00"}, ORDER | {"currency": "EUR"}) == ["conflict"] * 2
    assert _post(till, {"name": "visit", "subscriber": "anna@shop.example", "id": "A-1"}) == ["stored"]
    assert len(_stored(app)) == 2


def test_without_a_number_the_same_moment_is_the_same_event(app: Flask, till: Program) -> None:
    visit = {"name": "visit", "subscriber": "anna@shop.example", "at": "2026-11-23T09:15:00+01:00"}
    assert _post(till, visit, visit | {"at": "2026-11-23T08:15:00Z"}, visit | {"at": "2026-11-23T08:15:01Z"}) == [
        "stored", "known", "stored",
    ]  # fmt: skip


def test_nobody_becomes_known_by_it(app: Flask, till: Program) -> None:
    strangers = [ORDER | {"subscriber": name} for name in ("bo@shop.example", "sub_7k2v9m4c0x8q3w6n1t5z", "anna")]
    assert _post(till, *strangers) == ["unknown"] * 3
    assert _stored(app) == []
    assert _number(app, Subscriber) == 1


def test_one_wrong_event_keeps_no_other_back(app: Flask, till: Program) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": "Order"}, {"name": ""}, {"name": "x" * 41}, {"name": "a b"}, {"amount": -1}, {"amount": 10**13},
        {"currency": "XXX"}, {"amount": None}, {"currency": ""}, {"at": "yesterday"}, {"at": "1999-12-31T23:59:59Z"},
        {"at": clock.as_text(clock.now() + timedelta(days=1, minutes=1))}, {"at": "0001-01-01T00:00:00+14:00"},
        {"id": "x" * 101}, {"id": "a\nb"}, {"subscriber": "anna@"}, {"subscriber": "", "id": ""},
    ]  # fmt: skip
    outcomes = _post(till, *(ORDER | each for each in wrong), ORDER)
    assert outcomes == ["invalid"] * len(wrong) + ["stored"]
    assert len(_stored(app)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {}, {"events": []}, {"events": [ORDER] * 1001}, {"events": [ORDER | {"amount": 1.5}]},
        {"events": [ORDER | {"amount": "1"}]}, {"events": [ORDER | {"colour": "red"}]}, {"events": [{}]},
        {"events": [ORDER | {"amount": True}]}, {"events": ORDER},
    ],
)  # fmt: skip
def test_what_is_no_batch_is_refused_whole(app: Flask, till: Program, body: object) -> None:
    answer = till.post("/events", body)
    assert answer.status_code == 422
    assert _stored(app) == []


def test_a_thousand_go_at_once_and_other_bodies_stay_small(app: Flask, till: Program) -> None:
    many = [ORDER | {"id": f"A-{place}", "subscriber": "anna@shop.example"} for place in range(1000)]
    assert _post(till, *many) == ["stored"] * 1000
    assert till.post("/events", {"events": [{"name": "x" * 2_000_000}]}).status_code == 413
    assert till.post("/subscribers/lookup", {"address": "x" * 20_000}).status_code == 413


def test_a_key_that_may_not_read_people_learns_nothing_of_them(app: Flask, anna: str) -> None:
    shop = program(app, Scope.EVENTS)
    told = [ORDER, ORDER | {"subscriber": "bo@shop.example", "id": "B"}, ORDER | {"amount": 1}, ORDER]
    answers = [shop.post("/events", {"events": [each]}) for each in told]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert _post(shop, ORDER) == ["received"]
    assert _post(shop, ORDER | {"name": "A B"}) == ["invalid"]
    assert len(_stored(app)) == 1


def test_without_its_scope_nothing_is_stored(app: Flask, anna: str) -> None:
    answer = program(app, Scope.READ).post("/events", {"events": [ORDER]})
    assert (answer.status_code, code_of(answer)) == (403, "scope_missing")


def test_asked_again_under_its_name_it_answers_as_before(app: Flask, till: Program) -> None:
    first = till.post("/events", {"events": [ORDER]}, name="one")
    again = till.post("/events", {"events": [ORDER]}, name="one")
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"


def test_her_page_and_what_she_takes_home_show_it(app: Flask, till: Program, anna: str) -> None:
    assert _post(till, ORDER) == ["stored"]
    said = words(studio.signed_in(app).get(f"/studio/people/{anna}"))
    assert "order Your shop told us. DKK" in said.replace("\xa0", " ")
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        person = subscriber.named(session, owner, anna)
        packed = own_data.pack(session, owner, person, site="http://localhost:8025")
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        held = json.loads(archive.read("my-data.json"))["events_of_the_shop"]
    assert [(row["name"], row["external_id"], row["amount"], row["currency"]) for row in held] == [
        ("order", "A-1", 24900, "DKK"),
    ]  # fmt: skip


def test_a_batch_with_marks_asks_as_often_as_a_short_one(app: Flask, till: Program) -> None:
    def asked(of: int, first: int) -> list[str]:
        marks = [conversion_ref.token(Named(kind * number, number)) for kind in (0, 1) for number in range(1, of + 1)]
        events = [{"name": "visit", "id": f"{first + place}", "ref": mark} for place, mark in enumerate(marks)]
        said = attack.statements(app, lambda: answers.extend(_post(till, *events)))
        return [each for each in said if each.startswith("SELECT")]

    answers: list[str] = []
    _post(till, ORDER)
    short, long = asked(1, 0), asked(100, 2)
    assert len(short) == len(long)
    assert answers == ["unknown"] * 202
