"""``listkeeper picture``, typed as a person and as a script would."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from listkeeper.rendering.pictures import picture_file
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe, pictures


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    cafe.found(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_picture_is_brought_and_listed(type_: Type, tmp_path: Path, settings: Settings) -> None:
    assert type_("picture", "list").out == "There are no pictures yet.\n"
    file = tmp_path / "our oven.png"
    file.write_bytes(pictures.written(pictures.drawing(), "PNG", exif=pictures.whereabouts()))
    made = type_("picture", "add", str(file), "--alt", "The oven", "--json").json
    assert (made["width"], made["height"], made["title"], made["alt"]) == (200, 100, "our oven.png", "The oven")
    name = made["url"].removeprefix("http://localhost:8025/media/")
    assert pictures.opened((settings.data_folder / "media" / name).read_bytes()).size == (200, 100)
    assert type_("picture", "add", str(file), "--json").json["id"] == made["id"]
    [row] = type_("picture", "list", "--json").json["pictures"]
    assert row == {key: value for key, value in made.items() if key != "stilled"}
    assert made["url"] in type_("picture", "list").out


def test_what_is_none_is_refused_in_a_sentence(type_: Type, tmp_path: Path) -> None:
    file = tmp_path / "big.jpg"
    with file.open("wb") as written:
        written.truncate(picture_file.LIMIT + 1)
    said = type_("picture", "add", str(file))
    assert (said.code, "15 MB is the most" in said.sentence) == (10, True)
    file.write_bytes(b"<svg/>")
    assert type_("picture", "add", str(file), "--json").error == "picture_svg"
    file.write_bytes(pictures.moving(1300, 20))
    assert "first moment" in type_("picture", "add", str(file)).out
