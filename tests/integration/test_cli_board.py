"""``listkeeper board`` and ``listkeeper list clean``, and the same over the API."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe, silent
from tests.makers.programs import Program, code_of, program


def _fill(session: Session) -> str:
    house = cafe.found(session)
    quiet = silent.people(session, house, "anna bo")
    silent.letters(session, house, 5, quiet)
    return house.mailing_list.public_id


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    _fill(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_the_board_is_shown_chosen_and_its_log_kept(type_: Type) -> None:
    before = type_("board", "show", "--json").json["numbers"]
    assert [row["kind"] for row in before] == ["new_confirmed", "clicked_last", "trust"]
    assert {row["status"] for row in before} == {"not_counted"}
    chosen = type_(
        "board", "pick", "new_confirmed=2", "never_reacted=25", "--owner", "new_confirmed=owner@cafe.example"
    )
    assert "never_reacted: target 250" in chosen.out
    first, second = type_("board", "show", "--count", "--json").json["numbers"]
    assert (first["value"], first["status"], first["owner"]) == (2, "on_target", "owner@cafe.example")
    assert (second["value"], second["status"], second["action"]) == (1000, "off_target", "clean_up")
    assert "Never reacted: 100% (Not there yet). Let them rest." in type_("board", "show").out
    [noted] = type_("board", "log", "new_confirmed", "Code on the till", "--days", "14", "--json").json["log"]
    assert (noted["did"], noted["value_then"], noted["value_after"]) == ("Code on the till", 2, None)
    assert "Code on the till. The effect is looked for on" in type_("board", "log").out


@pytest.mark.parametrize(
    ("words", "code", "name"),
    [
        (("board", "pick", "left", "reach", "orders", "trust"), 12, "fourth_number"),
        (("board", "pick", "nonsense"), 11, "no_number"),
        (("board", "pick", "left=-1"), 10, "target"),
        (("board", "pick", "left", "left"), 10, "same_number"),
        (("board", "pick", "left", "--owner", "reach=owner@cafe.example"), 10, "owner"),
        (("board", "pick", "left", "--owner", "left=nobody@cafe.example"), 11, "no_user"),
        (("board", "log", "left", ""), 10, "nothing_done"),
        (("list", "clean", "news", "--months", "0"), 10, "clean_up_rule"),
        (("list", "clean", "nowhere"), 11, "no_list"),
        (("list", "clean", "news", "--undo", "rst_nothing"), 11, "no_rest"),
        (("list", "clean", "news", "--yes", "--months", "60"), 10, "nobody"),
    ],
)
def test_a_fourth_number_and_bad_input_have_a_code(type_: Type, words: tuple[str, ...], code: int, name: str) -> None:
    said = type_(*words, "--json")
    assert (said.code, said.json["error"]["code"]) == (code, name)


def test_a_list_is_cleaned_and_that_is_undone(type_: Type) -> None:
    proposed = type_("list", "clean", "news", "--json").json
    assert (proposed["silent"], proposed["confirmed"], proposed["resting"], proposed["changed"]) == (2, 2, 0, False)
    assert "Add --yes to let 2 rest. Nothing was changed." in type_("list", "clean", "news").out
    done = type_("list", "clean", "news", "--yes", "--json").json
    assert (done["put_to_rest"], done["changed"]) == (2, True)
    assert type_("list", "clean", "news", "--json").json["resting"] == 2
    assert type_("list", "clean", "news", "--undo", done["id"], "--json").json["woken"] == 2
    assert type_("list", "clean", "news", "--undo", done["id"]).code == 12
    assert type_("list", "clean", "news", "--undo", done["id"], "--yes").code == 2


@pytest.fixture
def list_id(app: Flask, database: Database) -> str:
    with app.app_context(), store.transaction() as session:
        return _fill(session)


def _reader(app: Flask, *scopes: Scope) -> Program:
    return program(app, *(scopes or (Scope.READ, Scope.CAMPAIGNS)))


def test_a_program_reads_the_board_and_notes_what_was_done(app: Flask, list_id: str) -> None:
    shop = _reader(app)
    numbers = shop.get("/board").json["numbers"]  # type: ignore[index]
    assert len(numbers) == 3
    assert numbers[0]["value"] is None
    made = shop.post("/board/log", {"kind": "left", "did": "Wrote less often"}, name="once")
    assert made.status_code == 201, made.text
    again = shop.post("/board/log", {"kind": "left", "did": "Wrote less often"}, name="once")
    assert again.json == made.json
    assert [row["id"] for row in shop.get("/board/log").json["log"]] == [made.json["id"]]  # type: ignore[index]
    missing = shop.get(f"/lists/{list_id}/clean-up")
    assert (missing.status_code, code_of(missing)) == (404, "not_counted")


def test_what_was_counted_of_a_list_is_read_and_nobody_is_put_to_rest_by_a_program(
    app: Flask, list_id: str, type_in: Type
) -> None:
    type_in("list", "clean", "news", "--yes")
    found = _reader(app).get(f"/lists/{list_id}/clean-up").json
    assert found is not None
    assert (found["silent"], found["resting"]) == (0, 2)
    assert _reader(app).post(f"/lists/{list_id}/clean-up", {}).status_code == 405


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch, settings: Settings, list_id: str) -> Type:
    return typed.typing(monkeypatch, settings)


@pytest.mark.parametrize(
    "body",
    [{"kind": "left", "did": ""}, {"kind": "left", "did": "x" * 501}, {"kind": "nonsense", "did": "x"},
     {"kind": "left", "did": "x", "days": 8}, {"kind": "left", "did": "x", "more": 1}, {}, {"kind": 4, "did": ["x"]}],
)  # fmt: skip
def test_bad_notes_are_refused(app: Flask, list_id: str, body: dict[str, object]) -> None:
    assert _reader(app).post("/board/log", body).status_code in {400, 422}


def test_a_key_without_the_scope_notes_nothing(app: Flask, list_id: str) -> None:
    assert _reader(app, Scope.READ).post("/board/log", {"kind": "left", "did": "x"}).status_code == 403
