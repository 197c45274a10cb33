"""The document of a letter over HTTP: each change whole or not at all, once, and never over somebody else's."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.rendering import document
from tests.integration.test_studio_letters import begin
from tests.makers import cafe
from tests.makers.studio import StudioBrowser, signed_in

JSON = {"Accept": "application/json"}
A, B = "b00000000aa", "b00000000bb"


class Pen:
    """A browser that changes one letter as the composer does."""

    def __init__(self, browser: StudioBrowser, address: str) -> None:
        self.browser, self.address = browser, address

    def read(self) -> dict[str, Any]:
        """Return the stored letter."""
        answer = self.browser.get(f"{self.address}/document", headers=JSON)
        assert answer.headers["ETag"] == f'"{answer.get_json()["version"]}"'
        found: dict[str, Any] = answer.get_json()
        return found

    def change(self, base: int | str | None, key: str | None, **asked: Any) -> TestResponse:  # noqa: ANN401
        """Ask for one change."""
        headers = {**JSON, "X-CSRFToken": self.browser.token(), "Content-Type": "application/json"}
        if base is not None:
            headers["If-Match"] = base if isinstance(base, str) else f'"{base}"'
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.browser.client.patch(f"{self.address}/document", data=json.dumps(asked), headers=headers)


@pytest.fixture
def pen(app: Flask) -> Pen:
    """Return the pen of somebody who has begun a letter of blocks."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        cafe.subscribe(session, made, "anna@people.example")
    browser = signed_in(app)
    return Pen(browser, begin(browser, "blank"))


def text(name: str, words: str) -> dict[str, Any]:
    """Return a text block."""
    return {"id": name, "type": "text", "html": f"<p>{words}</p>"}


def test_a_change_is_stored_and_says_which_version_it_made(pen: Pen) -> None:
    answer = pen.change(1, "k1", op="insert", block=text(A, "Hej"), after=None)
    assert (answer.status_code, answer.get_json()["version"], answer.headers["ETag"]) == (200, 2, '"2"')
    assert pen.read()["document"]["blocks"][0] == text(A, "Hej")


def test_the_same_again_answers_the_same_and_does_nothing(pen: Pen) -> None:
    first = pen.change(1, "k1", op="insert", block=text(A, "Hej"), after=None)
    again = pen.change(1, "k1", op="insert", block=text(A, "Hej"), after=None)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = pen.change(2, "k1", op="remove", id=A)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_an_old_version_gets_the_present_letter_back(pen: Pen) -> None:
    pen.change(1, "k1", op="head", subject="Theirs", preheader="")
    answer = pen.change(1, "k2", op="head", subject="Mine", preheader="")
    said = answer.get_json()
    assert (answer.status_code, said["code"], said["version"]) == (412, "changed_elsewhere", 2)
    assert said["document"]["subject"] == pen.read()["document"]["subject"] == "Theirs"


@pytest.mark.parametrize(
    ("base", "key"), [(None, "k"), (1, None), ("7", "k"), ('"x"', "k"), (1, "k" * 300), ("*", "k")]
)
def test_a_change_without_its_base_or_its_name_is_refused(pen: Pen, base: Any, key: Any) -> None:  # noqa: ANN401
    answer = pen.change(base, key, op="head", subject="x", preheader="")
    assert (answer.status_code, answer.get_json()["code"]) == (428, "name_missing")
    assert pen.read()["version"] == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"[]", b'"x"', b'{"op":"head","subject":"\\ud800","preheader":""}', b'{"op":"head","op":"head"}',
     b'{"op":"head","subject":"\\u0000","preheader":""}', b"{" * 100_000, b'{"op":"set","block":{"id":"x"}}', b"\xff"],
)  # fmt: skip
def test_what_is_no_change_is_refused_in_words(pen: Pen, body: bytes) -> None:
    headers = {**JSON, "X-CSRFToken": pen.browser.token(), "If-Match": '"1"', "Idempotency-Key": "k"}
    answer = pen.browser.client.patch(f"{pen.address}/document", data=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.get_json()["detail"]
    assert pen.read()["version"] == 1


def test_a_refusal_names_its_block(pen: Pen) -> None:
    answer = pen.change(1, "k", op="insert", block={"id": A, "type": "spacer", "height": 4000}, after=None)
    assert (answer.status_code, answer.get_json()["place"]) == (422, A)


def test_without_the_session_s_token_nothing_is_changed(pen: Pen) -> None:
    headers = {**JSON, "If-Match": '"1"', "Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = pen.browser.client.patch(f"{pen.address}/document", data='{"op":"remove","id":"x"}', headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "page_too_old")


def test_over_a_line_that_loses_a_third_nothing_is_lost_and_nothing_doubled(pen: Pen) -> None:
    chance, version = random.Random(20261201), 1
    wanted: list[str] = []
    for number in range(40):
        name = f"b{number:010x}"
        asked = {"op": "insert", "block": text(name, f"edit {number}"), "after": wanted[-1] if wanted else None}
        wanted.append(name)
        while True:
            if chance.random() < 0.15:
                continue  # the request was lost
            answer = pen.change(version, f"key-{number}", **asked)
            assert answer.status_code == 200, answer.text
            if chance.random() < 0.15:
                continue  # the answer was lost
            version = answer.get_json()["version"]
            break
    stored = [block["id"] for block in pen.read()["document"]["blocks"]]
    assert [name for name in stored if name in set(wanted)] == wanted
    assert pen.read()["version"] == 41


def test_a_switch_that_loses_is_refused_and_one_that_does_not_tells_the_new_letter(pen: Pen) -> None:
    pen.change(1, "k1", op="insert", block={"id": A, "type": "button", "label": "x", "href": ""}, after=None)
    lost = pen.change(2, "k2", op="switch", mode="markdown")
    assert (lost.status_code, lost.get_json()["code"]) == (422, "switch_loses")
    pen.change(2, "k3", op="remove", id=A)
    told = pen.change(3, "k4", op="switch", mode="markdown").get_json()
    assert told["document"]["mode"] == "markdown"
    back = pen.change(4, "k5", op="restore", number=2).get_json()
    assert any(block["id"] == A for block in back["document"]["blocks"])


def form_of(page: str, op: str) -> tuple[str, str]:
    """Return the version and the key that a page's forms carry."""
    version = re.search(r'name="version" value="(\d+)"', page)
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert version, op
    assert key, op
    return version[1], key[1]


def test_without_script_blocks_are_written_by_forms(pen: Pen) -> None:
    version, key = form_of(pen.browser.get(pen.address).text, "insert")
    said = {"version": version, "key": key, "op": "insert", "type": "columns", "after": "", "left.title": "Left",
            "left.html": "words", "right.picture.src": "", "right.title": "Right"}  # fmt: skip
    assert pen.browser.post(f"{pen.address}/change", said).status_code == 303
    first = pen.read()["document"]["blocks"][0]
    assert (first["type"], first["left"]["title"], first["left"]["html"]) == ("columns", "Left", "<p>words</p>")
    assert first["right"]["picture"] is None
    social = {"version": "2", "key": "k", "op": "insert", "type": "social", "after": first["id"],
              "links-0-name": "One", "links-0-href": "https://a.example", "links-1-name": ""}  # fmt: skip
    assert pen.browser.post(f"{pen.address}/change", social).status_code == 303
    assert pen.read()["document"]["blocks"][1]["links"] == [{"name": "One", "href": "https://a.example"}]
    down = {"version": "3", "key": "k2", "op": "down", "id": first["id"]}
    assert pen.browser.post(f"{pen.address}/change", down).status_code == 303
    assert [block["type"] for block in pen.read()["document"]["blocks"]][:2] == ["social", "columns"]


def test_without_script_a_change_on_an_old_version_keeps_what_was_typed(pen: Pen) -> None:
    pen.change(1, "k1", op="insert", block=text(A, "Hej"), after=None)
    pen.change(2, "k2", op="head", subject="Theirs", preheader="")
    mine = {"version": "2", "key": "k", "op": "set", "type": "text", "id": A, "html": "Mine, typed a minute ago"}
    answer = pen.browser.post(f"{pen.address}/change", mine)
    assert answer.status_code == 412
    assert "Mine, typed a minute ago" in answer.text
    assert pen.read()["document"]["blocks"][0] == text(A, "Hej")


def test_revisions_can_be_seen_compared_and_brought_back(pen: Pen) -> None:
    pen.change(1, "k1", op="insert", block=text(A, "The first words"), after=None)
    pen.change(2, "k2", op="set", block=text(A, "Other words"))
    assert pen.browser.get(f"{pen.address}/revisions").status_code == 200
    page = pen.browser.get(f"{pen.address}/revisions/2").text
    assert "The first words" in page
    assert "Other words" in page
    assert pen.browser.get(f"{pen.address}/revisions/99").status_code == 404
    version, key = form_of(page, "restore")
    back = {"version": version, "key": key, "op": "restore", "number": "2"}
    assert pen.browser.post(f"{pen.address}/change", back).status_code == 303
    assert pen.read()["document"]["blocks"][0] == text(A, "The first words")


@pytest.mark.parametrize("part", ["html", "text", "raw"])
@pytest.mark.parametrize("who", ["worst", "random", "longest"])
def test_the_preview_is_the_letter_in_every_reading(pen: Pen, part: str, who: str) -> None:
    hello = 'Hej {{ subscriber.first_name | default: "du" }}'
    pen.change(1, "k1", op="insert", block=text(A, hello), after=None)
    pen.change(2, "k2", op="head", subject="Morgen", preheader="Nyt")
    answer = pen.browser.get(f"{pen.address}/preview?part={part}&as={who}")
    assert answer.status_code == 200
    assert "Hej" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    if part == "raw":
        assert "\r\nSubject: Morgen" in answer.get_data(as_text=True)


def test_pictures_off_is_said_by_the_policy_and_not_by_other_bytes(pen: Pen) -> None:
    on, off = (pen.browser.get(f"{pen.address}/preview?images={state}") for state in ("on", "off"))
    assert on.data == off.data
    assert "img-src 'none'" in off.headers["Content-Security-Policy"]
    assert "img-src 'self'" in on.headers["Content-Security-Policy"]


def test_every_kind_of_block_has_a_form_and_can_be_seen(pen: Pen) -> None:
    version = 1
    for kind in document.TYPES:
        block = {"id": f"b{version:010x}", "type": kind.model_fields["type"].default}
        assert pen.change(version, f"k{version}", op="insert", block=block, after=None).status_code == 200
        version += 1
    page = pen.browser.get(pen.address)
    assert page.status_code == 200
    for number in range(1, version):
        assert f"b{number:010x}" in page.text
    assert pen.browser.get(f"{pen.address}/preview").status_code == 200
    assert pen.browser.get(f"{pen.address}/check").status_code == 200
