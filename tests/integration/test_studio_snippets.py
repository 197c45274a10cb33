"""The studio's pieces: kept by the composer's script or by a form, seen, renamed, deleted."""

from __future__ import annotations

import pytest
from flask import Flask

from listkeeper import store
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

BLOCKS = [
    {"id": "b0000000001", "type": "text", "html": "<p>Dear <strong>friend</strong> &amp; neighbour</p>"},
    {"id": "b0000000002", "type": "button", "label": "See the buns", "href": "https://cafe.example"},
    {"id": "b0000000003", "type": "divider"},
]


@pytest.fixture
def owner(app: Flask, database: Database) -> StudioBrowser:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


def _script(owner: StudioBrowser) -> dict[str, str]:
    return {"Accept": "application/json", "X-CSRFToken": owner.token()}


def test_the_script_keeps_blocks_and_gets_them_back_whole(owner: StudioBrowser) -> None:
    made = owner.client.post("/studio/snippets", json={"name": "Greeting", "blocks": BLOCKS}, headers=_script(owner))
    assert made.status_code == 201, made.text
    [told] = owner.get("/studio/snippets", headers={"Accept": "application/json"}).get_json()["snippets"]
    assert (told["id"], told["name"], told["markdown"]) == (made.get_json()["id"], "Greeting", "")
    assert [block["type"] for block in told["blocks"]] == ["text", "button", "divider"]
    assert told["blocks"][0] == BLOCKS[0]
    shown = words(owner.get("/studio/snippets"))
    assert "Text Dear friend & neighbour Button See the buns https://cafe.example Line –" in shown


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "", "blocks": BLOCKS}, 422, "snippet_name"),
        ({"name": "x", "blocks": []}, 422, "snippet_empty"),
        ({"name": "x", "blocks": [{"type": "x"}]}, 422, "document_refused"),
        ({"name": "Greeting", "blocks": BLOCKS[:1]}, 409, "snippet_there"),
        ({"name": 3, "blocks": BLOCKS}, 422, "not_valid"),
        ({"name": "x", "blocks": "x"}, 422, "not_valid"),
        (["x"], 400, "not_json"),
    ],
)
def test_what_is_no_piece_is_refused_with_the_reason(
    owner: StudioBrowser, body: object, status: int, code: str
) -> None:
    owner.client.post("/studio/snippets", json={"name": "Greeting", "blocks": BLOCKS}, headers=_script(owner))
    answer = owner.client.post("/studio/snippets", json=body, headers=_script(owner))
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.get_json()["code"] == code
    known = owner.get("/studio/snippets", headers={"Accept": "application/json"}).get_json()["snippets"]
    assert [each["name"] for each in known] == ["Greeting"]


def test_bytes_that_are_no_json_are_refused(owner: StudioBrowser) -> None:
    headers = _script(owner) | {"Content-Type": "application/json"}
    assert owner.client.post("/studio/snippets", data=b"{", headers=headers).get_json()["code"] == "not_json"


def test_the_whole_way_without_a_script(owner: StudioBrowser) -> None:
    assert "No pieces yet" in words(owner.get("/studio/snippets"))
    assert owner.post("/studio/snippets", {"name": "Hours", "markdown": "From <b>seven</b>"}).status_code == 303
    page = owner.get("/studio/snippets")
    assert "From <b>seven</b>" in words(page)
    again = owner.post("/studio/snippets", {"name": "Hours", "markdown": "From eight"})
    assert (again.status_code, "another piece called “Hours”" in words(again)) == (409, True)
    # What was typed is still there.
    assert "From eight</textarea>" in again.text
    name = page.text.partition('<article id="')[2].partition('"')[0]
    assert owner.post(f"/studio/snippets/{name}/rename", {"name": "When"}).status_code == 303
    assert owner.post(f"/studio/snippets/{name}/rename", {"name": " "}).status_code == 422
    assert "When" in words(owner.get("/studio/snippets"))
    assert owner.post(f"/studio/snippets/{name}/remove").status_code == 303
    assert owner.post(f"/studio/snippets/{name}/remove").status_code == 404
    assert "No pieces yet" in words(owner.get("/studio/snippets"))
