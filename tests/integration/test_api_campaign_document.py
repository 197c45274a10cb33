"""A program reads and writes the very document that the studio writes: on the version it has seen, and once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts import organisation
from listkeeper.accounts.api_key import Scope
from listkeeper.audience import mailing_list
from tests.makers import cafe, crowd
from tests.makers.programs import Program, code_of, program

BLOCK = {"id": "b00000000aa", "type": "text", "html": "<p>Hej</p>"}
LETTER: dict[str, Any] = {"subject": "Boller", "preheader": "Varme", "blocks": [BLOCK]}


@pytest.fixture
def shop(app: Flask) -> Program:
    """A program that may do everything, at a café with three people."""
    with app.app_context(), store.transaction() as session:
        crowd.gather(session, cafe.found(session), 3)
    return program(app)


def list_of(app: Flask) -> str:
    """Return the id of the café's list."""
    with app.app_context(), store.reading() as session:
        return mailing_list.all_of(session, organisation.only_one(session))[0].public_id


def told(answer: TestResponse) -> dict[str, Any]:
    """Return the object of an answer."""
    found: dict[str, Any] = answer.get_json()
    return found


def begun(app: Flask, shop: Program, **letter: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a new draft as it is told."""
    answer = shop.post("/campaigns", {"list": list_of(app), "document": {**LETTER, **letter}})
    assert answer.status_code == 201, answer.text
    return told(answer)


def test_a_draft_is_made_read_and_written_on(app: Flask, shop: Program) -> None:
    made = begun(app, shop)
    read = shop.get(f"/campaigns/{made['id']}/document")
    assert (told(read)["version"], read.headers["ETag"]) == (1, '"1"')
    assert told(read)["document"]["blocks"] == [BLOCK]
    changed = {**told(read)["document"], "subject": "Flere boller"}
    written = shop.put(f"/campaigns/{made['id']}/document", changed, headers={"If-Match": '"1"'})
    assert (written.status_code, told(written)["version"]) == (200, 2)
    again = shop.put(f"/campaigns/{made['id']}/document", {**changed, "subject": "x"}, headers={"If-Match": '"1"'})
    assert (again.status_code, code_of(again)) == (412, "changed_elsewhere")
    without = shop.put(f"/campaigns/{made['id']}/document", changed)
    assert (without.status_code, code_of(without)) == (428, "name_missing")


def test_a_campaign_begun_twice_under_one_name_is_one(app: Flask, shop: Program) -> None:
    body = {"list": list_of(app), "document": LETTER}
    first, second = (shop.post("/campaigns", body, name="monday") for _ in range(2))
    assert told(first)["id"] == told(second)["id"]
    assert len(told(shop.get("/campaigns"))["campaigns"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"blocks": [{"id": "b00000000aa", "type": "marquee"}]},
        {"blocks": [BLOCK, BLOCK]},
        {"blocks": [{**BLOCK, "script": "x"}]},
        {"mode": "pdf"},
        {"version": 2},
        {"theme": {"colour": "red"}},
        {"subject": 7},
        {"more": 1},
    ],
)
def test_a_document_that_nobody_knows_is_refused(app: Flask, shop: Program, wrong: dict[str, Any]) -> None:
    answer = shop.post("/campaigns", {"list": list_of(app), "document": {**LETTER, **wrong}})
    assert answer.status_code == 422
    assert not told(shop.get("/campaigns"))["campaigns"]


def test_the_checks_say_what_is_wrong_and_where(app: Flask, shop: Program) -> None:
    made = begun(app, shop, subject="")
    checked = told(shop.get(f"/campaigns/{made['id']}/checks"))
    assert checked["is_ready"] is False
    assert ("C1", "BLOCK", "subject") in {(each["code"], each["severity"], each["place"]) for each in checked["items"]}


def test_reading_needs_a_key_that_reads_and_writing_one_that_writes(app: Flask, shop: Program) -> None:
    made = begun(app, shop)
    reader = program(app, Scope.READ)
    assert reader.get(f"/campaigns/{made['id']}/document").status_code == 200
    assert reader.put(f"/campaigns/{made['id']}/document", LETTER, headers={"If-Match": '"1"'}).status_code == 403
    assert reader.post("/campaigns", {"list": list_of(app), "document": LETTER}).status_code == 403


def test_the_schema_of_the_document_is_published(app: Flask) -> None:
    schemas = told(app.test_client().get("/openapi.json"))["components"]["schemas"]
    assert "Document" in schemas
    assert schemas["Document"]["additionalProperties"] is False
    assert {f"Document.{kind}Block" for kind in ("Header", "Offer", "Sponsored", "Rss")} <= set(schemas)
