"""Segments by the API and by commands: stored, counted, sent to, taken out; and each mistake with its place."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience.segment import Segment
from listkeeper.campaigns.campaign import Campaign
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe, studio
from tests.makers.programs import Program, code_of, program

ANNA, BO = "anna@guest.example", "bo@guest.example"


@pytest.fixture
def shop(app: Flask, database: Database) -> Program:
    """A program at a café with Anna, who speaks Danish, and Bo on the list, and a letter."""
    with app.app_context(), store.transaction() as session:
        _people(session)
    return program(app)


def _people(session: Session) -> None:
    house = cafe.found(session)
    cafe.subscribe(session, house, ANNA).language = "da"
    cafe.subscribe(session, house, BO).language = "en"
    cafe.draft(session, house)


def _list(app: Flask) -> str:
    with app.app_context(), store.reading() as session:
        return studio.the_cafe(session).mailing_list.public_id


def test_a_segment_by_the_api(app: Flask, shop: Program) -> None:
    on = _list(app)
    made = shop.post("/segments", {"list": on, "name": "Danes", "text": "language is da"})
    assert made.status_code == 201
    assert made.json is not None
    number = made.json["id"]
    assert (made.json["count"], made.json["of"], made.json["remarks"]) == (1, 2, [])
    assert made.json["tree"] == {"condition": "language_is", "value": "da"}
    by_tree = shop.post("/segments/count", {"list": on, "tree": {"not": made.json["tree"]}})
    assert by_tree.json is not None
    assert (by_tree.json["text"], by_tree.json["count"]) == ("not language is da", 1)
    headers = shop.headers
    changed = shop.client.patch(
        f"/api/v1/segments/{number}", json={"name": "Others", "tree": {"not": made.json["tree"]}}, headers=headers
    )
    assert changed.json is not None
    assert (changed.status_code, changed.json["name"], changed.json["count"]) == (200, "Others", 1)
    archived = shop.client.patch(f"/api/v1/segments/{number}", json={"archived": True}, headers=headers)
    assert archived.json is not None
    assert archived.json["archived_at"] is not None
    every = shop.get(f"/lists/{on}/segments").json
    assert every is not None
    assert [each["id"] for each in every["segments"]] == [number]
    assert shop.get(f"/segments/{number}").json == archived.json


def test_people_of_a_segment_are_taken_out_and_nobody_else(app: Flask, shop: Program) -> None:
    made = shop.post("/segments", {"list": _list(app), "name": "Danes", "text": "language is da"}).json
    assert made is not None
    answer = shop.post(f"/segments/{made['id']}/exports")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as whole:
        people = list(csv.DictReader(io.StringIO(whole.read("subscribers.csv").decode("utf-8-sig"))))
        held = list(csv.DictReader(io.StringIO(whole.read("subscriptions.csv").decode("utf-8-sig"))))
        said = "".join(whole.read(name).decode(errors="replace") for name in whole.namelist())
    assert [row["address"] for row in people] == [ANNA]
    assert [row["address"] for row in held] == [ANNA]
    assert BO not in said


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"text": "langage is da"}, "segment_text"),
        ({"text": "clicked within 99999 days"}, "segment_value"),
        ({"tree": {"condition": "sql"}}, "segment_json"),
        ({"tree": {"all": [{"condition": "clicked_within", "days": -1}]}}, "segment_value"),
        ({}, "segment_missing"),
        ({"text": "pauses", "tree": {"all": []}}, "segment_missing"),
        ({"text": "not " * 500 + "pauses"}, "segment_too_deep"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(app: Flask, shop: Program, wanted: dict[str, object], code: str) -> None:
    on = _list(app)
    assert code_of(shop.post("/segments", {"list": on, "name": "x", **wanted})) == code
    assert code_of(shop.post("/segments/count", {"list": on, **wanted})) == code


def test_scopes_and_ids_are_looked_at(app: Flask, shop: Program) -> None:
    del shop
    reader, on = program(app, Scope.READ, name="Reader"), _list(app)
    assert reader.post("/segments", {"list": on, "name": "x", "text": "pauses"}).status_code == 403
    assert reader.post("/segments/count", {"list": on, "text": "pauses"}).status_code == 200
    assert reader.get("/segments/seg_00000000000000000000").status_code == 404


def test_a_letter_goes_to_a_segment_by_the_api(app: Flask, shop: Program) -> None:
    made = shop.post("/segments", {"list": _list(app), "name": "Danes", "text": "language is da"}).json
    assert made is not None
    with app.app_context(), store.reading() as session:
        letter = session.scalars(select(Campaign)).one().public_id
    gone = shop.post(f"/campaigns/{letter}/start", {"yes": True, "segment": "seg_gone"})
    assert gone.status_code in {404, 409}
    sent = shop.post(f"/campaigns/{letter}/start", {"yes": True, "segment": made["id"], "stance": "news"})
    assert sent.status_code == 200, sent.text
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(Campaign)).one()
        assert (row.recipients, row.segment_text) == (1, "language is da")


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    _people(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_segment_by_commands(type_: Type, session: Session, tmp_path: Path) -> None:
    assert type_("segment", "list", "--list", "news").out == "This list has no segments.\n"
    made = type_("segment", "create", "language is da", "--list", "news", "--name", "Danes", "--json").json
    assert set(made) == {"id", "name", "list", "text", "count", "of", "remarks", "archived_at"}
    assert (made["count"], made["of"]) == (1, 2)
    [row] = type_("segment", "list", "--list", "news", "--json").json["segments"]
    assert (row["id"], row["count"]) == (made["id"], 1)
    shown = type_("segment", "show", made["id"], "--json").json
    assert (shown["tree"], shown["used_by"]) == ({"condition": "language_is", "value": "da"}, [])
    counted = type_("segment", "count", "not language is da or pauses", "--list", "news", "--json").json
    assert (counted["count"], counted["remarks"]) == (1, [])
    out = tmp_path / "danes.zip"
    type_("export", "--list", "news", "--segment", made["id"], "--out", str(out))
    with zipfile.ZipFile(out) as whole:
        assert BO.encode() not in b"".join(map(whole.read, whole.namelist()))
    letter = session.scalars(select(Campaign)).one().public_id
    sent = type_("campaign", "send", letter, "--yes", "--segment", made["id"], "--json").json
    assert sent["recipients"] == 1
    assert type_("segment", "archive", made["id"], "--json").json["archived_at"] is not None
    assert session.scalars(select(Segment.source)).all() == ["language is da"]


def test_a_mistake_is_pointed_at(type_: Type) -> None:
    wrong = type_("segment", "count", "language is da and klicked ever", "--list", "news")
    assert wrong.code == 10
    assert "language is da and klicked ever\n                   ^\n" in wrong.err
    assert "Did you mean “clicked”?" in wrong.err
    told = type_("segment", "create", "langage", "--list", "news", "--name", "x", "--json")
    assert (told.code, told.json["error"]["code"]) == (10, "segment_text")
    assert type_("export", "--segment", "seg_x").code == 10
