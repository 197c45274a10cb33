"""``listkeeper source``, typed as a person and as a script would, and the same for programs."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience import source
from listkeeper.audience.mailing_list import ListState
from listkeeper.audience.source import Channel
from listkeeper.settings import Settings
from tests.fakes import typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type
from tests.makers import cafe
from tests.makers.programs import code_of, program


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings, database: Database, session: Session) -> Type:
    cafe.found(session)
    session.commit()
    return typed.typing(monkeypatch, settings)


def test_a_link_is_made_listed_drawn_and_archived(type_: Type, tmp_path: Path) -> None:
    words = ("--channel", "instagram", "--slug", "ig-bio", "--utm", "utm_source=ig")
    made = type_("source", "create", "--list", "news", "--name", "Bio", *words, "--json").json
    assert (made["slug"], made["url"]) == ("ig-bio", "http://localhost:8025/s/ig-bio")
    [row] = type_("source", "list", "--json").json["sources"]
    assert {name: row[name] for name in ("slug", "visits", "asked", "confirmed", "here", "left", "complained")} == {
        "slug": "ig-bio", "visits": 0, "asked": 0, "confirmed": 0, "here": 0, "left": 0, "complained": 0,
    }  # fmt: skip
    code = type_("source", "qr", "ig-bio", "--format", "png", "--out", str(tmp_path / "code.png"), "--json").json
    [found] = zxingcpp.read_barcodes(Image.open(code["file"]).convert("L"))
    assert found.text == code["url"] == made["url"]
    for size in ("a4", "a6"):
        paper = type_(
            "source", "poster", "ig-bio", "--size", size, "--out", str(tmp_path / f"{size}.pdf"), "--json"
        ).json
        [page] = pypdfium2.PdfDocument(paper["file"])
        assert [each.text for each in zxingcpp.read_barcodes(page.render(scale=3).to_pil())] == [made["url"]]
    again = type_("source", "qr", "ig-bio", "--out", str(tmp_path / "code.png"), "--json")
    assert (again.code, again.error) == (12, "file_exists")
    assert type_("source", "archive", "ig-bio", "--json").json["archived_at"]
    assert "(archived)" in type_("source", "list", "--list", "news").out
    assert type_("source", "archive", "ig-bio", "--reopen", "--json").json["archived_at"] is None


def test_the_ready_set_and_what_is_refused(type_: Type) -> None:
    ready = type_("source", "create", "--list", "news", "--ready", "--json").json["sources"]
    assert [row["slug"] for row in ready] == list(source.SOCIAL.values())
    assert type_("source", "create", "--list", "news", "--ready").out == "Each social channel has a link already.\n"
    for words, code, error in (
        (("create", "--list", "news"), 2, "usage"),
        (("create", "--list", "news", "--name", "X", "--slug", "fb"), 12, "source_exists"),
        (("create", "--list", "news", "--name", "X", "--utm", "colour=red"), 10, "utm"),
        (("create", "--list", "nothing", "--name", "X"), 11, "no_list"),
        (("qr", "nothing"), 11, "no_source"),
    ):
        said = type_("source", *words, "--json")
        assert (said.code, said.error) == (code, error), words


def test_programs_read_the_sources(app: Flask, database: Database) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        bio = source.create(session, made.form, name="Bio", channel=Channel.INSTAGRAM, slug="ig-bio")
        old = source.create(session, made.form, name="Old flyer", channel=Channel.POSTER)
        source.archive(old)
        names = (bio.public_id, made.mailing_list.public_id, made.form.public_id)
    answer = program(app, Scope.READ).get("/sources")
    assert answer.status_code == 200
    assert answer.json is not None
    first, second = answer.json["sources"]
    assert (first["id"], first["list"], first["form"]) == names
    assert (first["url"], first["channel"], first["archived_at"]) == (
        "http://localhost:8025/s/ig-bio", "instagram", None,
    )  # fmt: skip
    numbers = ("visits", "asked", "confirmed", "still_there", "left", "complained")
    assert [first[name] for name in numbers] == [0] * len(numbers)
    assert second["archived_at"].endswith("Z")
    assert program(app, Scope.SUBSCRIBE, name="Till").get("/sources").status_code == 403


def test_programs_make_sources(app: Flask, database: Database) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        form, news = made.form.public_id, made.mailing_list.public_id
    shop = program(app, Scope.LINKS)
    place = {"form": form, "name": "Bio", "channel": "instagram", "slug": "ig-bio", "utm": {"utm_source": "ig"}}
    first = shop.post("/sources", place, name="bio-1")
    assert first.status_code == 201
    assert first.json is not None
    assert (first.json["url"], first.json["list"], first.json["form"]) == ("http://localhost:8025/s/ig-bio", news, form)
    # The same wish again is no second link, and a link that is printed is never another's.
    assert shop.post("/sources", place, name="bio-1").json == first.json
    assert code_of(shop.post("/sources", place)) == "source_exists"
    assert shop.post("/sources", {"form": form, "name": "Till"}).json["slug"] == "till"  # type: ignore[index]
    for wrong, status in (
        ({"name": "X"}, 422), ({"form": form, "name": " "}, 422), ({"form": form, "name": "X", "slug": "No!"}, 422),
        ({"form": form, "name": "X", "channel": "moon"}, 422), ({"form": "frm_" + "0" * 20, "name": "X"}, 404),
        ({"form": form, "name": "X", "utm": {"utm_colour": "red"}}, 422),
    ):  # fmt: skip
        assert shop.post("/sources", wrong).status_code == status, wrong
    others = program(app, *(scope for scope in Scope if scope is not Scope.LINKS), name="Others")
    assert code_of(others.post("/sources", place | {"slug": "more"})) == "scope_missing"
    with app.app_context(), store.reading() as session:
        kept = source.every(session, organisation.only_one(session))
        assert [(each.slug, each.channel, each.utm) for each in kept] == [
            ("ig-bio", Channel.INSTAGRAM, {"utm_source": "ig"}), ("till", Channel.OTHER, {}),
        ]  # fmt: skip
        written = session.scalars(select(AuditEntry).where(AuditEntry.action == "source.created")).all()
        assert [(row.actor, row.subject) for row in written] == [
            (f"api:{shop.public_id}", each.public_id) for each in kept
        ]


def test_a_form_of_a_deleted_list_gets_no_link_from_a_program(app: Flask, database: Database) -> None:
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        form = made.form.public_id
        made.mailing_list.state = ListState.TOMBSTONED
    assert code_of(program(app).post("/sources", {"form": form, "name": "Till"})) == "no_list"
