"""The words of a letter by command: the very document, in and out, and a file that is none refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe

LETTER: dict[str, Any] = {
    "subject": "Buns",
    "blocks": [{"id": "b0000000001", "type": "text", "html": "<p>From seven</p>"}],
}


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    cafe.found(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_document_goes_in_and_comes_out(type_: Type, tmp_path: Path) -> None:
    file = tmp_path / "letter.json"
    file.write_text(json.dumps(LETTER))
    made = type_("campaign", "create", "--list", "news", "--document", str(file), "--json").json
    told = type_("campaign", "document", made["id"], "--json").json
    assert (told["version"], told["document"]["blocks"]) == (1, LETTER["blocks"])
    file.write_text(json.dumps({**told["document"], "subject": "More buns"}))
    again = type_("campaign", "document", made["id"], "--set", str(file), "--json").json
    assert (again["version"], again["document"]["subject"]) == (2, "More buns")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"blocks": [{"id": "b0000000001", "type": "marquee"}]}'])
def test_a_file_that_is_none_is_refused(type_: Type, tmp_path: Path, text: str) -> None:
    file = tmp_path / "letter.json"
    file.write_text(text)
    refused = type_("campaign", "create", "--list", "news", "--document", str(file), "--json")
    assert refused.error in {"not_json", "document_refused"}
