"""What a program may read: lists, forms, people page by page, and what they agreed to, word for word."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.audience import mailing_list, signup_form, subscriber, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.forms.form_design import Design, Fact, Look
from tests.fakes.databases import Database
from tests.makers import cafe, imports, studio
from tests.makers.programs import Program, code_of, program

RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


@pytest.fixture
def reader(app: Flask, database: Database) -> Program:
    """A program that reads a café with two lists and five people."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session)
        mailing_list.create(session, made.organisation, name="Events")
        for name in ("anna", "bo", "carl"):
            cafe.subscribe(session, made, f"{name}@shop.example")
        left = cafe.subscribe(session, made, "dora@shop.example")
        unsubscribe.leave(session, left.id, made.mailing_list.id, Method.PAGE)
        cafe.sign_up(session, made, "eva@shop.example")
    return program(app, Scope.READ)


def _json(answer: Any) -> Any:  # noqa: ANN401 - whatever the document holds
    assert answer.status_code == 200, answer.text
    return answer.json


def _names(page: dict[str, Any]) -> list[str]:
    return [person["address"].partition("@")[0] for person in page["subscribers"]]


def _join(app: Flask, *names: str) -> None:
    with app.app_context(), store.transaction() as session:
        for name in names:
            cafe.subscribe(session, studio.the_cafe(session), f"{name}@shop.example")


def test_lists_with_how_many_are_in_which_state(reader: Program) -> None:
    news, events = _json(reader.get("/lists"))["lists"]
    assert (news["slug"], news["people"]["confirmed"], news["people"]["pending"]) == ("news", 3, 1)
    assert news["id"].startswith("lst_")
    assert events["people"]["confirmed"] == 0
    assert _json(reader.get(f"/lists/{news['id']}")) == news
    assert code_of(reader.get("/lists/lst_nothing")) == "no_list"


def test_forms_with_the_text_that_is_agreed_to(app: Flask, reader: Program) -> None:
    [form] = _json(reader.get("/forms"))["forms"]
    with app.app_context(), store.reading() as session:
        made = studio.the_cafe(session)
        assert (form["id"], form["list"]) == (made.form.public_id, made.mailing_list.public_id)
    assert form["url"] == "http://localhost:8025/f/news"
    assert "Café Kardemomme" in form["text"]["body"]
    assert len(form["text"]["sha256"]) == 64


def test_people_come_with_what_they_are_subscribed_to(reader: Program) -> None:
    page = _json(reader.get("/subscribers"))
    assert _names(page) == ["anna", "bo", "carl", "dora", "eva"]
    assert page["next"] is None
    anna = page["subscribers"][0]
    [held] = anna["subscriptions"]
    assert (held["state"], held["basis"], anna["restricted"]) == ("confirmed", "consent", False)
    assert RFC_3339.match(held["since"])
    assert RFC_3339.match(anna["created_at"])
    assert _json(reader.get(f"/subscribers/{anna['id']}")) == anna
    assert _json(reader.post("/subscribers/lookup", {"address": "ANNA@shop.example"})) == anna


def test_people_are_chosen_by_list_and_state(reader: Program) -> None:
    news, events = (each["id"] for each in _json(reader.get("/lists"))["lists"])
    assert _names(_json(reader.get(f"/subscribers?list={news}&state=confirmed"))) == ["anna", "bo", "carl"]
    assert _names(_json(reader.get(f"/subscribers?list={news}"))) == ["anna", "bo", "carl", "dora", "eva"]
    assert _names(_json(reader.get("/subscribers?state=unsubscribed"))) == ["dora"]
    assert _names(_json(reader.get(f"/subscribers?list={events}"))) == []
    assert code_of(reader.get(f"/subscribers?list=lst_{'0' * 20}")) == "no_list"


def test_pages_follow_their_links_and_stay_still_while_people_join(app: Flask, reader: Program) -> None:
    seen, path = [], "/subscribers?limit=2"
    for joining in (["fay", "gry"], ["hal"], [], []):
        answer = reader.get(path)
        page = _json(answer)
        seen += _names(page)
        _join(app, *joining)
        if page["next"] is None:
            assert "Link" not in answer.headers
            break
        [following] = re.findall(r'^<http://localhost:8025/api/v1(/[^>]+)>; rel="next"$', answer.headers["Link"])
        assert f"cursor={page['next']}" in following
        assert "limit=2" in following
        path = following
    assert seen == ["anna", "bo", "carl", "dora", "eva", "fay", "gry", "hal"]


def test_a_page_goes_on_after_the_person_at_its_end_is_gone(app: Flask, reader: Program) -> None:
    first = _json(reader.get("/subscribers?limit=2"))
    with app.app_context(), store.transaction() as session:
        person = subscriber.with_address(session, studio.the_cafe(session).organisation.id, "bo@shop.example")
        assert person is not None
        person.erased_at = person.created_at
    assert _names(_json(reader.get(f"/subscribers?limit=2&cursor={first['next']}"))) == ["carl", "dora"]


def test_the_last_page_is_known_by_its_missing_link(reader: Program) -> None:
    answer = reader.get("/subscribers?limit=5")
    assert _json(answer)["next"] is None
    assert "Link" not in answer.headers


def test_a_cursor_is_ours_or_nothing(reader: Program) -> None:
    true = _json(reader.get("/subscribers?limit=2"))["next"]
    flipped = true[:-1] + ("A" if true[-1] != "A" else "B")
    for forged in ("1", "2", flipped, true[:-1], "x" * 64, "%00", "é"):
        answer = reader.get(f"/subscribers?cursor={forged}")
        assert answer.status_code in {400, 404}, forged
        code_of(answer)


def test_a_page_has_a_sane_length(reader: Program) -> None:
    for length in ("0", "201", "-1", "x", "9" * 5000, "1e3"):
        answer = reader.get(f"/subscribers?limit={length}")
        assert (answer.status_code, code_of(answer)) == (400, "not_valid")
        assert answer.json is not None
        assert [each["pointer"] for each in answer.json["errors"]] == ["?limit"]


def test_a_question_that_is_not_described_is_refused(reader: Program) -> None:
    for query in ("address=anna@shop.example", "state=happy", "list=news", "_external=1", "limit=1&x=2"):
        answer = reader.get(f"/subscribers?{query}")
        assert (answer.status_code, code_of(answer)) == (400, "not_valid")
        assert "anna" not in answer.text


def test_consent_is_shown_with_the_exact_text(app: Flask, reader: Program) -> None:
    dora = _json(reader.post("/subscribers/lookup", {"address": "dora@shop.example"}))
    history = _json(reader.get(f"/subscribers/{dora['id']}/consent"))
    assert history["subscriber"] == dora["id"]
    assert [event["event"] for event in history["events"]] == [
        "consent.requested",
        "consent.given",
        "consent.withdrawn",
    ]
    assert [event["method"] for event in history["events"]] == ["form", "button", "page"]
    given = history["events"][1]
    with app.app_context(), store.reading() as session:
        made = studio.the_cafe(session)
        text = made.form.mailing_list
        assert given["list"] == text.public_id
        assert given["form_version"]["form"] == made.form.public_id
    [form] = _json(reader.get("/forms"))["forms"]
    assert given["text"] == form["text"]
    assert given["actor"] == "subscriber"
    assert datetime.fromisoformat(given["at"]).tzinfo is not None


def test_what_a_file_claimed_is_shown_as_a_claim_and_no_event(app: Flask, database: Database, tmp_path: Path) -> None:
    court = imports.opened(app, tmp_path)
    file = tmp_path / "people.csv"
    file.write_text("Email,OPTIN_TIME,CONFIRM_TIME\nfreja@shop.example,2026-01-02 10:11:12,2026-01-02 10:15:40\n")
    brought = court.load(file)
    reader = program(app, Scope.READ)
    freja = _json(reader.post("/subscribers/lookup", {"address": "freja@shop.example"}))
    history = _json(reader.get(f"/subscribers/{freja['id']}/consent"))
    assert history["events"] == []
    [claim] = history["claims"]
    assert (claim["import_id"], claim["file"], claim["line"]) == (brought.public_id, "people.csv", 2)
    assert (claim["requested_at"], claim["confirmed_at"]) == ("2026-01-02T10:11:12.000Z", "2026-01-02T10:15:40.000Z")
    assert (claim["evidenced"], claim["undone_at"]) == (True, None)
    assert claim["origin"]["said"] == imports.PROVEN.origin
    court.undo(brought.id)
    assert code_of(reader.post("/subscribers/lookup", {"address": "freja@shop.example"})) == "no_subscriber"


def test_one_thing_has_a_tag_by_which_it_is_not_sent_twice(app: Flask, reader: Program) -> None:
    dora = _json(reader.post("/subscribers/lookup", {"address": "dora@shop.example"}))["id"]
    news = _json(reader.get("/lists"))["lists"][0]["id"]
    for path in (f"/subscribers/{dora}", f"/subscribers/{dora}/consent", f"/lists/{news}", "/me"):
        first = reader.get(path)
        tag = first.headers["ETag"]
        again = reader.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert reader.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
        assert "Authorization" in first.headers["Vary"]
    tag = reader.get(f"/lists/{news}").headers["ETag"]
    _join(app, "fay")
    assert reader.get(f"/lists/{news}", headers={"If-None-Match": tag}).status_code == 200


def test_nobody_is_found_under_a_made_up_name(reader: Program) -> None:
    for name in ("sub_nothing", "%00", "sub_%00", "..%2f..", "x" * 3000, "é", "'--", "anna@shop.example"):
        for path in (f"/subscribers/{name}", f"/subscribers/{name}/consent", f"/lists/{name}"):
            answer = reader.get(path)
            assert answer.status_code == 404
            assert code_of(answer).startswith(("no_", "not_found", "http_404"))


def test_an_address_nobody_has_is_not_found_and_what_is_none_is_refused(reader: Program) -> None:
    assert code_of(reader.post("/subscribers/lookup", {"address": "nobody@shop.example"})) == "no_subscriber"
    for wrong in ("anna", "anna@", "a b@shop.example", "@", "sub_x"):
        assert reader.post("/subscribers/lookup", {"address": wrong}).status_code == 422
    found = _json(reader.post("/suppressions/lookup", {"address": "dora@shop.example"}))["suppressions"]
    news = _json(reader.get("/lists"))["lists"][0]["id"]
    assert [(each["scope"], each["list"], each["reason"], each["until"]) for each in found] == [
        ("list", news, "unsub", None)
    ]


def test_there_is_no_page_behind_the_door(reader: Program) -> None:
    for path in ("", "/", "/nothing", "/subscribers/", "/signups/1"):
        assert code_of(reader.get(path)) == "http_404"
    wrong = reader.get("/signups")
    assert (wrong.status_code, code_of(wrong), wrong.headers["Allow"]) == (405, "http_405", "OPTIONS, POST")
    assert reader.client.delete("/api/v1/lists", headers=reader.headers).status_code == 405


def test_a_form_says_how_it_looks(app: Flask, reader: Program) -> None:
    plain = _json(reader.get("/forms"))["forms"][0]["design"]
    assert (plain["look"], plain["colour"], plain["gets"], plain["shows"]) == ("band", "", [], [])
    with app.app_context(), store.transaction() as session:
        house = studio.the_cafe(session)
        design = Design(look=Look.WARM, accent="#1f6f54", gets=("Bread",), shows=frozenset({Fact.WAY, Fact.CALL}))
        words = replace(signup_form.starter(house.organisation, house.mailing_list, "en"), design=design)
        signup_form.publish_words(session, house.organisation, house.form, words)
    chosen = _json(reader.get("/forms"))["forms"][0]["design"]
    assert (chosen["look"], chosen["colour"], chosen["gets"], chosen["shows"]) == (
        "warm", "#1f6f54", ["Bread"], ["call", "way"],
    )  # fmt: skip
    assert chosen["onward"] == "button"
