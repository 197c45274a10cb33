"""``listkeeper profit`` and ``listkeeper growth``: the same figures as the pages, for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy.orm import Session

from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.unit.insight.test_channel_profit import BOTH


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    made = cafe.found(session)
    cafe.subscribe(session, made, "anna@people.example")
    session.commit()
    return typed.typing(monkeypatch, settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "both.json"
    place.write_text(json.dumps({"currency": "DKK", "inputs": BOTH.as_json()}))
    return place


def test_a_calculation_is_saved_shown_changed_and_printed(type_: Type, file: Path, tmp_path: Path) -> None:
    assert type_("profit", "list").out == "No calculation is kept yet.\n"
    known = type_("profit", "show", "--json").json
    assert known["inputs"]["channels"][1]["people"] == "1"
    assert known["said"]["1.people"] == "Whom a letter would reach today."
    assert known["results"] == [None, None]
    saved = type_("profit", "save", "Jul", str(file), "--json").json
    assert [one["profit"] for one in saved["results"]] == [-4_575_900, 6_516_902]
    assert saved["results"][1]["orders"] == "141.4638"
    assert (saved["results"][0]["roi"], saved["results"][0]["break_even_response"]) == ("-0.61012", "0.038473")
    assert saved["together"]["profit"] == 1_941_002
    assert type_("profit", "show", saved["id"], "--json").json["results"] == saved["results"]
    assert "the most is earned by" in type_("profit", "show", saved["id"]).out
    # What is printed can be put in again.
    file.write_text(json.dumps(type_("profit", "show", saved["id"], "--json").json))
    replaced = type_("profit", "save", "Jul 2", str(file), "--replaces", saved["id"], "--version", "1", "--json").json
    assert (replaced["id"], replaced["version"]) == (saved["id"], 2)
    stale = type_("profit", "save", "Jul 3", str(file), "--replaces", saved["id"], "--version", "1", "--json")
    assert (stale.code, stale.json["error"]["code"]) == (12, "changed_meanwhile")
    [row] = type_("profit", "list", "--json").json["scenarios"]
    assert (row["name"], row["currency"], row["version"]) == ("Jul 2", "DKK", 2)
    out = tmp_path / "jul.pdf"
    assert type_("profit", "pdf", saved["id"], "--out", str(out), "--language", "da", "--json").json["file"] == str(out)
    assert "65.169,02" in PdfReader(io.BytesIO(out.read_bytes())).pages[0].extract_text()
    assert type_("profit", "pdf", saved["id"], "--out", str(out)).code == 12


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "{}", '{"currency": 5, "channels": []}', "x" * 200_000,
                                  '{"currency": "DKK", "channels": [{"people": "NaN"}]}'])  # fmt: skip
def test_what_is_no_calculation_is_refused(type_: Type, file: Path, text: str) -> None:
    file.write_text(text)
    answer = type_("profit", "save", "x", str(file), "--json")
    assert answer.code == 10
    assert answer.json["error"]["message"]
    assert type_("profit", "list", "--json").json == {"scenarios": []}


def test_nobody_has_that_calculation(type_: Type) -> None:
    for words in (("show", "prf_no"), ("pdf", "prf_no")):
        assert type_("profit", *words, "--json").code == 11


def test_growth_is_shown_for_one_list_and_all(type_: Type) -> None:
    shown = type_("growth", "show", "--json").json
    assert shown["total"] == {
        "asked": 1, "joined": 1, "here": 1, "left": 0, "complained": 0, "bounced": 0, "lapsed": 0,
    }  # fmt: skip
    [month] = shown["months"]
    assert (month["asked"], month["confirmed_of_asked"], month["joined"], month["lost"], month["size"]) == (
        1,
        1,
        1,
        0,
        1,
    )
    assert shown["cohorts"][0]["still_after_0"] == 1
    assert type_("growth", "show", "--list", "news", "--json").json["months"] == shown["months"]
    assert "1 asked, 1 of them said yes; 1 joined, 0 lost, 1 on the list" in type_("growth", "show").out
    assert type_("growth", "show", "--list", "no", "--json").code == 11
