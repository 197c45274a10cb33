"""Segments by the API and by commands: stored, counted, sent to, taken out; and each mistake with its place."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience.segments.segment import Segment
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.follow_up import Start, Trigger
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import attack, cafe, follow_ups, studio
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
    # Among others an archived one is not counted; alone it is.
    assert [(each["count"], each["of"], each["remarks"]) for each in every["segments"]] == [(None, None, [])]
    assert shop.get(f"/segments/{number}").json == archived.json


def test_words_that_would_drive_a_follow_up_round_are_refused(app: Flask, shop: Program) -> None:
    made = shop.post("/segments", {"list": _list(app), "name": "Danes", "text": "language is da"}).json
    assert made is not None
    with app.app_context(), store.transaction() as session:
        begins = Start(Trigger.SEGMENT, segment_id=session.scalars(select(Segment.id)).one())
        line = follow_ups.line(session, studio.the_cafe(session), start=begins)
        letter = follow_ups.steps(session, line)[0].campaign.public_id
    for said in (
        {"text": f"got letter {letter}"},
        {"name": "Got it", "tree": {"condition": "got_letter", "letter": letter}},
    ):
        refused = shop.client.patch(f"/api/v1/segments/{made['id']}", json=said, headers=shop.headers)
        assert (refused.status_code, code_of(refused)) == (422, "follow_up_loop")
        assert refused.json is not None
        assert "“A line” is on" in refused.json["detail"]
    after = shop.get(f"/segments/{made['id']}").json
    assert after is not None
    assert (after["name"], after["text"], after["count"]) == ("Danes", "language is da", 1)


def test_what_was_asked_for_twice_is_answered_whole_twice(app: Flask, shop: Program) -> None:
    wanted = {"list": _list(app), "name": "Danes", "text": "language is da"}
    headers = {**shop.headers, "Idempotency-Key": "once"}
    first, again = (shop.client.post("/api/v1/segments", json=wanted, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json is not None
    assert first.json == again.json
    assert (first.json["count"], first.json["of"]) == (1, 2)


def test_nobody_is_counted_while_a_change_is_written(app: Flask, shop: Program) -> None:
    def counts(act: Callable[[], object]) -> list[bool]:
        """Return of each counting whether it was done before the change was stored."""
        marks: list[str] = []
        with app.app_context():
            engine = store.database.engine

            def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
                marks.extend(["count"] if "count(*)" in statement and "subscription" in statement else [])
                marks.extend(["audit"] if statement.startswith("INSERT INTO audit_entry") else [])

            event.listen(engine, "before_cursor_execute", note)
            try:
                act()
            finally:
                event.remove(engine, "before_cursor_execute", note)
        assert "audit" in marks
        return ["audit" in marks[place:] for place, mark in enumerate(marks) if mark == "count"]

    on = _list(app)
    made: list[Any] = []
    text = "language is da and pauses"
    first = counts(lambda: made.append(shop.post("/segments", {"list": on, "name": "Few", "text": text}).json))
    number = made[0]["id"]
    renamed = counts(
        lambda: shop.client.patch(f"/api/v1/segments/{number}", json={"name": "Other"}, headers=shop.headers)
    )
    for found in (first, renamed):
        assert found
        assert not any(found)


def test_many_segments_are_counted_once_each_and_their_list_once(app: Flask, shop: Program) -> None:
    on = _list(app)
    for number in range(10):
        for text in ("language is da and pauses", "not pauses or language is da"):
            name = f"No {number} {text[:3]}"
            assert shop.post("/segments", {"list": on, "name": name, "text": text}).status_code == 201
    seen: list[dict[str, Any]] = []
    asked = attack.statements(app, lambda: seen.append(shop.get(f"/lists/{on}/segments").json or {}))
    assert [each["count"] for each in seen[0]["segments"]] == [0, 2] * 10
    assert seen[0]["segments"][0]["remarks"] == ["Nobody on the list fits."]
    assert sum("count(*)" in each for each in asked) == 21
    # The names each speaks of, and by whose clock, are looked up besides.
    assert len(asked) <= 20 * 7 + 30


def test_one_that_cannot_be_counted_keeps_no_other_from_being_shown(app: Flask, shop: Program) -> None:
    on = _list(app)
    made = shop.post("/segments", {"list": on, "name": "Danes", "text": "language is da"}).json
    assert made is not None
    with app.app_context(), store.transaction() as session:
        business = studio.the_cafe(session).organisation
        session.add(
            Segment(
                organisation_id=business.id, list_id=studio.the_cafe(session).mailing_list.id, name="Round",
                public_id="seg_round000000000000000", source="in segment seg_round000000000000000",
            )
        )  # fmt: skip
    every = shop.get(f"/lists/{on}/segments").json
    assert every is not None
    danes, round_ = every["segments"]
    assert (danes["count"], round_["count"], len(round_["remarks"])) == (1, None, 1)
    alone = shop.get("/segments/seg_round000000000000000")
    assert alone.json is not None
    assert (alone.status_code, alone.json["count"], alone.json["of"]) == (200, None, 2)
    archived = shop.client.patch(
        "/api/v1/segments/seg_round000000000000000", json={"archived": True}, headers=shop.headers
    )
    assert archived.status_code == 200


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


def test_a_letter_is_judged_by_the_segment_it_is_sent_to(app: Flask, shop: Program) -> None:
    on = _list(app)
    nobody, danes = (
        shop.post("/segments", {"list": on, "name": text, "text": text}).json or {}
        for text in ("language is pl", "language is da")
    )
    with app.app_context(), store.transaction() as session:
        letter = session.scalars(select(Campaign)).one()
        letter.segment_id = session.scalars(select(Segment.id).where(Segment.public_id == nobody["id"])).one()
        number = letter.public_id
    refused = shop.post(f"/campaigns/{number}/start", {"yes": True, "stance": "news"})
    assert code_of(refused) == "not_ready"
    assert refused.json is not None
    assert "Nobody who may be mailed is in the segment “language is pl” now." in refused.json["detail"]
    sent = shop.post(f"/campaigns/{number}/start", {"yes": True, "stance": "news", "segment": danes["id"]})
    assert sent.status_code == 200, sent.text


def test_a_command_judges_a_letter_by_the_segment_it_is_sent_to(type_: Type, session: Session) -> None:
    nobody = type_("segment", "create", "language is pl", "--list", "news", "--name", "Poles", "--json").json["id"]
    letter = session.scalars(select(Campaign)).one().public_id
    refused = type_("campaign", "send", letter, "--yes", "--segment", nobody, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (12, "not_ready")
    assert type_("campaign", "send", letter, "--yes", "--segment", "everybody", "--json").json["recipients"] == 2


@pytest.mark.parametrize("taken_back", [True, False])
def test_an_ask_of_some_is_judged_once_more_when_it_goes_to_everybody(
    app: Flask, shop: Program, *, taken_back: bool
) -> None:
    made = shop.post("/segments", {"list": _list(app), "name": "Danes", "text": "language is da"}).json
    assert made is not None
    with app.app_context(), store.reading() as session:
        start = f"/campaigns/{session.scalars(select(Campaign)).one().public_id}/start"
    asks = {"yes": True, "stance": "offer", "hold_minutes": 60}
    assert shop.post(start, {**asks, "segment": made["id"]}).status_code == 200
    # For another moment it stays what it was judged as.
    assert shop.post(start, asks).status_code == 200
    if taken_back:
        assert shop.post(start.replace("/start", "/undo")).status_code == 200
    for stance in ({"stance": "offer"}, {"stance": None}):
        refused = shop.post(start, {**asks, **stance, "segment": ""})
        assert (refused.status_code, code_of(refused)) == (409, "below_floor")
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Campaign)).one().segment_id is not None
    assert shop.post(start, {**asks, "segment": "", "below_floor": True}).status_code == 200
    assert shop.post(start, {**asks, "hold_minutes": 90}).status_code == 200
    # What everybody gets may go to some without a word, and to everybody once more with one.
    assert shop.post(start, {**asks, "segment": made["id"]}).status_code == 200
    assert code_of(shop.post(start, {**asks, "segment": ""})) == "below_floor"


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_command_judges_an_ask_of_some_once_more_when_it_goes_to_everybody(
    type_: Type, session: Session, *, taken_back: bool
) -> None:
    some = type_("segment", "create", "language is da", "--list", "news", "--name", "Danes", "--json").json["id"]
    letter = session.scalars(select(Campaign)).one().public_id
    send = ("campaign", "send", letter, "--yes", "--stance", "offer", "--hold", "60", "--json")
    assert type_(*send, "--segment", some).code == 0
    assert type_(*send).code == 0
    if taken_back:
        assert type_("campaign", "undo", letter).code == 0
    refused = type_(*send, "--segment", "everybody")
    assert (refused.code, refused.json["error"]["code"]) == (12, "below_floor")
    assert type_(*send, "--segment", "everybody", "--below-floor").json["recipients"] == 2
    assert type_(*send).code == 0


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
