"""The shapes of a form as other sites and their browsers meet them: who may read, who may frame, and one way in."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.audience import allowed_origins, confirmation, mailing_list, signup, signup_form, subscription
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent_text import Wording
from listkeeper.audience.forms import form_lint
from listkeeper.audience.signup import Signup, SignupDecision
from listkeeper.audience.subscription import SubscriptionState
from listkeeper.rendering import form_snapshot, form_snippet
from listkeeper.rendering.form_snippet import Snippet
from listkeeper.web import doors
from tests.makers import cafe, studio

pytestmark = pytest.mark.usefixtures("house")
SHOP, STRANGER, OURS = "https://shop.example", "https://stranger.example", "http://localhost"
READABLE = "Access-Control-Allow-Origin"


def _allow(*origins: str) -> None:
    with store.transaction() as session:
        allowed_origins.choose(signup_form.shown(session, "news").form, "\n".join(origins))


def _rows() -> list[Signup]:
    with store.reading() as session:
        rows = list(session.scalars(select(Signup).order_by(Signup.id)))
        session.expunge_all()
        return rows


def _snippet(kind: Snippet) -> str:
    with store.reading() as session:
        return form_snippet.snippet(signup_form.shown(session, "news"), kind, "https://mail.cafe.example")


def _framed_by(answer: TestResponse) -> str:
    return answer.headers["Content-Security-Policy"].rpartition("frame-ancestors ")[2]


# The component's three answers


def test_scripts_of_any_site_read_these_answers_and_no_others(app: Flask, client: FlaskClient) -> None:
    asked = {"Origin": SHOP}
    readable = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in doors.OPEN and not rule.build_only:
            path = re.sub("<[^>]+>", "news", rule.rule)
            for method in (rule.methods or set()) & {"GET", "POST", "OPTIONS"}:
                answer = client.open(path, method=method, headers=asked, data={"email": "a@x.example"}, buffered=True)
                assert "Access-Control-Allow-Credentials" not in answer.headers
                if READABLE in answer.headers:
                    assert answer.headers[READABLE] == "*"
                    readable.add(rule.endpoint)
    assert readable == {"embed.show", "embed.receive", "embed.confirm_by_code", "embed.preflight"}


def test_a_browser_that_asks_beforehand_gets_its_leave(client: FlaskClient) -> None:
    wish = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for path in ("/f/news/embed", "/f/news/embed/code"):
        leave = client.options(path, headers=wish)
        assert leave.status_code == 204
        assert leave.headers[READABLE] == "*"
        assert leave.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert leave.headers["Access-Control-Allow-Headers"] == "Content-Type"


def test_only_named_sites_read_and_each_is_told_apart(client: FlaskClient) -> None:
    _allow(SHOP)
    for path in ("/f/news/embed", "/f/news/embed/code"):
        for method in ("GET", "POST", "OPTIONS"):
            if (path.endswith("code"), method) == (True, "GET"):
                continue
            fine = client.open(path, method=method, headers={"Origin": SHOP}, data={"email": "a@x.example"})
            assert fine.status_code in {200, 204, 422}
            assert fine.headers[READABLE] == SHOP
            assert "Origin" in fine.headers["Vary"]
            for other in (STRANGER, "null", "http://shop.example"):
                refused = client.open(path, method=method, headers={"Origin": other}, data={"email": "b@x.example"})
                assert refused.status_code == 403
                assert refused.json is not None
                # It can be read by the page it is for, so that her visitor is told; there is nothing else in it.
                assert refused.headers[READABLE] == other
                assert refused.json.keys() == {"code", "detail", "label"}
    assert [row.email_send for row in _rows()] == ["a@x.example"]
    assert client.get("/f/news/embed", headers={"Origin": OURS}).status_code == 200


def test_the_component_gets_all_words_in_the_language_of_the_form(client: FlaskClient) -> None:
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        owner, news = shown.organisation, shown.mailing_list
        signup_form.create(session, owner, news, spoken="pl")
    said = client.get("/f/news-2/embed", headers={"Accept-Language": "en"}).json
    assert said is not None
    assert (said["language"], said["direction"]) == ("pl", "ltr")
    with store.reading() as session:
        text = signup_form.shown(session, "news-2").text
        assert said["texts"] == [text.body, text.withdrawal]
        assert said["button"] == text.button_label
    assert said["words"]["email"] != "Your e-mail address"
    assert "{address}" in said["words"]["look"]
    assert said["hidden"].keys() == {"key", "v", "ticket"}


def _definition(client: FlaskClient) -> dict[str, str]:
    said = client.get("/f/news/embed?utm_source=poster", headers={"Origin": SHOP}).json
    assert said is not None
    return dict(said["hidden"])


def test_the_component_posts_into_the_same_way_as_the_page(client: FlaskClient) -> None:
    fields = _definition(client) | {"email": "Anna@Shop.example"}
    phone = {"Origin": SHOP, "User-Agent": "Mozilla/5.0 … Instagram 334.0"}
    first = client.post("/f/news/embed", data=fields, headers=phone)
    again = client.post("/f/news/embed", data=fields, headers=phone)
    assert first.status_code == 200
    assert first.json == again.json
    [row] = _rows()
    assert (row.origin, row.shape, row.in_app, row.utm) == (SHOP, "component", "instagram", {"utm_source": "poster"})
    with store.transaction() as session:
        assert signup.decide(session, row.id, cafe.NO_BRAKES) is SignupDecision.ASKED
        code = confirmation.code_of(session.scalars(select(Confirmation)).one())
    visit = (first.json or {})["visit"]
    wrong = client.post("/f/news/embed/code", data={"visit": visit, "code": f"{(int(code) + 1) % 1_000_000:06}"})
    assert wrong.status_code == 422
    assert (wrong.json or {})["field"] == "code"
    right = client.post("/f/news/embed/code", data={"visit": visit, "code": code})
    assert right.status_code == 200
    assert "News" in (right.json or {})["title"]


def test_the_answer_is_the_same_bytes_whoever_the_address_belongs_to(client: FlaskClient) -> None:
    for state in (SubscriptionState.CONFIRMED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.COMPLAINED):
        with store.transaction() as session:
            made = studio.the_cafe(session)
            person = cafe.subscribe(session, made, f"{state.value}@shop.example")
            current = subscription.of(session, person.id, made.mailing_list.id)
            assert current is not None
            subscription.move(current, state)
    answers = [
        client.post("/f/news/embed", data={"email": f"{person}@shop.example"})
        for person in ("new", "confirmed", "unsubscribed", "complained", "x" * 60)
    ]
    answers.append(client.post("/f/news/embed", data={"email": "bot@shop.example", "homepage": "http://spam.example"}))
    assert {answer.status_code for answer in answers} == {200}
    assert {re.sub(r'"visit":"[\w-]{22}"', "", answer.text) for answer in answers} == {'{"meant":null,}\n'}
    assert {tuple(answer.headers.items()) for answer in answers} == {tuple(answers[0].headers.items())}


@pytest.mark.parametrize("typed", ["", "anna", "a b@x.example", "ø@x.example", "x@y.example\r\nBcc: z@y.example"])
def test_a_wrong_address_gets_a_sentence_beside_the_field(client: FlaskClient, typed: str) -> None:
    answer = client.post("/f/news/embed", data={"email": typed})
    assert answer.status_code == 422
    said = answer.json or {}
    assert said["field"] == "email"
    assert len(said["detail"]) > 10
    assert _rows() == []


def test_words_that_changed_meanwhile_come_along_to_be_read(client: FlaskClient) -> None:
    fields = _definition(client) | {"email": "anna@shop.example"}
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        signup_form.publish(session, shown.form, shown.text, title="Fresh news", thank_you="Thanks.")
    answer = client.post("/f/news/embed", data=fields)
    assert answer.status_code == 409
    form = (answer.json or {})["form"]
    assert form["title"] == "Fresh news"
    # The same wish still: its key stays.
    assert form["hidden"]["key"] == fields["key"]
    assert _rows() == []
    assert client.post("/f/news/embed", data=form["hidden"] | {"email": "anna@shop.example"}).status_code == 200
    assert len(_rows()) == 1


def test_a_closed_form_says_so_to_the_site_around_it(client: FlaskClient) -> None:
    with store.transaction() as session:
        signup_form.close(signup_form.shown(session, "news").form)
    answer = client.get("/f/news/embed", headers={"Origin": SHOP, "Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers[READABLE] == "*"
    assert (answer.json or {})["detail"]
    framed = client.get("/f/news/frame")
    assert framed.status_code == 404
    assert _framed_by(framed) == "*"


# The frame


def test_only_the_frame_may_stand_on_other_sites(client: FlaskClient) -> None:
    assert _framed_by(client.get("/f/news")) == "'none'"
    assert _framed_by(client.post("/f/news", data={"email": "a@x.example"})) == "'none'"
    framed = client.get("/f/news/frame", headers={"Referer": f"{SHOP}/"})
    assert _framed_by(framed) == "*"
    [host] = re.findall(r'name="host" value="([^"]+)"', framed.text)
    assert host == SHOP
    sent = client.post("/f/news/frame", data={"email": "b@x.example", "host": host}, headers={"Origin": OURS})
    assert _framed_by(sent) == "*"
    assert 'action="/f/news/frame/code"' in sent.text
    digits = client.post("/f/news/frame/code", data={"visit": "x", "code": "1"})
    assert (digits.status_code, _framed_by(digits)) == (422, "*")
    assert [(row.origin, row.shape) for row in _rows()] == [(None, "html"), (SHOP, "frame")]


def test_named_sites_alone_frame_it_and_others_get_the_way_to_our_page(client: FlaskClient) -> None:
    _allow(SHOP, "http://localhost:3000")
    for referer in (f"{SHOP}/", None):
        headers = {"Referer": referer} if referer else {}
        answer = client.get("/f/news/frame", headers=headers)
        assert answer.status_code == 200
        assert _framed_by(answer) == f"'self' {SHOP} http://localhost:3000"
    refused = client.get("/f/news/frame", headers={"Referer": f"{STRANGER}/"})
    assert refused.status_code == 403
    assert "<form" not in refused.text
    assert '<a class="button" href="/f/news" target="_top">' in refused.text
    assert _framed_by(refused) == "*"


def test_a_pasted_form_that_its_site_frames_is_answered_in_that_frame(client: FlaskClient) -> None:
    answer = client.post("/f/news", data={"email": "a@x.example"}, headers={"Sec-Fetch-Dest": "iframe", "Origin": SHOP})
    assert _framed_by(answer) == "*"
    assert 'action="/f/news/frame/code"' in answer.text
    assert [row.shape for row in _rows()] == ["html"]


# The plain form


def test_the_pasted_form_has_the_whole_field_and_text_and_nothing_a_policy_refuses() -> None:
    pasted = _snippet(Snippet.HTML)
    assert not re.search(r"<script|<style|\bstyle=|\son\w+=|javascript:", pasted)
    [form] = html.fragments_fromstring(pasted)
    assert (form.get("method"), form.get("action")) == ("post", "https://mail.cafe.example/f/news")
    [field] = form.xpath(".//input[@type='email']")
    assert dict(field.items()) == {
        "type": "email", "id": "listkeeper-news", "name": "email", "inputmode": "email", "autocomplete": "email",
        "autocapitalize": "off", "autocorrect": "off", "spellcheck": "false", "enterkeyhint": "send", "required": "",
    }  # fmt: skip
    assert [label.text for label in form.xpath(".//label[@for='listkeeper-news']")] == ["Your e-mail address"]
    assert form.xpath("string(.//input[@name='v']/@value)") == "1"
    with store.reading() as session:
        shown = signup_form.shown(session, "news")
        said = " ".join(form.text_content().split())
        for part in (shown.version.title, shown.text.body, shown.text.withdrawal, shown.text.button_label):
            assert part in said
    [trap] = form.xpath(".//datalist//input")
    assert trap.get("name") == "homepage"
    assert trap.get("disabled") is not None


def test_words_of_the_owner_cannot_break_out_of_what_is_pasted() -> None:
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        body = f"{shown.text.body}\n<b>Bold</b> \"quoted\" & 'more'."
        wording = Wording(body, "Sign up </button>", shown.text.withdrawal)
        words = signup_form.Words('</title><script>alert("x")</script>', "Thanks", wording)
        signup_form.publish_words(session, shown.organisation, shown.form, words)
    for kind in (Snippet.HTML, Snippet.COMPONENT, Snippet.FRAME):
        pasted = _snippet(kind)
        scripts = html.fragment_fromstring(f"<div>{pasted}</div>").xpath(".//script")
        assert [script.text for script in scripts] == [None] * len(scripts)
        assert "<b>" not in pasted
        assert pasted.count("</button>") == pasted.count("<button")


def test_a_pasted_form_stays_good_until_the_text_itself_changes(client: FlaskClient) -> None:
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        signup_form.publish(session, shown.form, shown.text, title="Another headline", thank_you="Thanks.")
    assert client.post("/f/news", data={"email": "a@x.example", "v": "1"}).status_code == 200
    for made_up in ("7", "x", ""):
        assert client.post("/f/news", data={"email": "b@x.example", "v": made_up}).status_code == 409
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        body = shown.text.body.replace("once a week", "once a month")
        wording = Wording(body, shown.text.button_label, shown.text.withdrawal)
        signup_form.publish_words(session, shown.organisation, shown.form, signup_form.Words("T", "Thanks", wording))
    answer = client.post("/f/news", data={"email": "c@x.example", "v": "1"})
    assert answer.status_code == 409
    assert "once a month" in answer.text
    assert 'value="c@x.example"' in answer.text
    assert [row.email_send for row in _rows()] == ["a@x.example"]


@pytest.mark.parametrize("origin", [STRANGER, "null"])
def test_a_post_from_a_site_that_is_not_named_is_asked_once_more_and_never_lost(
    client: FlaskClient, origin: str
) -> None:
    _allow(SHOP)
    answer = client.post("/f/news", data={"email": "anna@x.example", "s": "till"}, headers={"Origin": origin})
    assert answer.status_code == 409
    assert 'value="anna@x.example"' in answer.text
    assert _rows() == []
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    for once_more in (OURS, "null"):
        # Also a browser that hides where it is: the page it presses on is ours.
        sent = client.post("/f/news", data=fields | {"email": "anna@x.example"}, headers={"Origin": once_more})
        assert sent.status_code == 200
    assert [(row.email_send, row.source) for row in _rows()] == [("anna@x.example", "till")]
    assert client.post("/f/news", data={"email": "bo@x.example"}, headers={"Origin": SHOP}).status_code == 200
    assert client.post("/f/news", data={"email": "eva@x.example"}).status_code == 200


# Boxes


def test_boxes_are_on_every_shape_unticked_and_asked_for_beside_themselves(client: FlaskClient) -> None:
    with store.transaction() as session:
        shown = signup_form.shown(session, "news")
        shown.mailing_list.jurisdiction = "ru"
        mailing_list.ask_age(shown.mailing_list, 18)
        words = signup_form.starter(shown.organisation, shown.mailing_list, "en")
        signup_form.publish_words(session, shown.organisation, shown.form, words, show=form_snapshot.page_of)
    said = client.get("/f/news/embed").json or {}
    assert [box["name"] for box in said["boxes"]] == ["second_consent", "age_stated"]
    pasted = _snippet(Snippet.HTML)
    assert form_lint.check(pasted) == []
    boxes = html.fragment_fromstring(pasted).xpath(".//input[@type='checkbox']")
    assert [(box.get("name"), box.get("value"), box.get("required")) for box in boxes] == [
        (box["name"], "yes", "") for box in said["boxes"]
    ]
    labels = [" ".join(box.getparent().text_content().split()) for box in boxes]
    assert labels == [" ".join(box["label"].split()) for box in said["boxes"]]
    fields = said["hidden"] | {"email": "anna@x.example"}
    for box in said["boxes"]:
        refused = client.post("/f/news/embed", data=fields)
        assert (refused.status_code, (refused.json or {})["field"]) == (422, box["name"])
        fields |= {box["name"]: "yes"}
    assert client.post("/f/news/embed", data=fields).status_code == 200
    assert [row.age_ok for row in _rows()] == [True]


# The scripts


@pytest.mark.parametrize("name", ["listkeeper-form.js", "listkeeper-frame.js"])
def test_scripts_are_small_open_to_all_and_asked_for_again_soon(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/embed/{name}", headers={"Origin": SHOP})
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    assert len(answer.data) <= 8 * 1024
    assert len(gzip.compress(answer.data, mtime=0)) <= 5 * 1024
    unsaid = re.findall(
        rb"localStorage|sessionStorage|indexedDB|document\.cookie|window\.open|eval\(|innerHTML", answer.data
    )
    assert unsaid == []
    same = client.get(f"/embed/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    assert client.get(f"/embed/{name}", headers={"If-None-Match": '"older"'}).status_code == 200


@pytest.mark.parametrize("path", ["/f/news", "/f/news/frame"])
def test_a_page_with_all_it_loads_is_light(client: FlaskClient, path: str) -> None:
    page = client.get(path)
    loaded = re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="(/[^"]+)"', page.text)
    parts = [page.data, *(client.get(address, buffered=True).data for address in loaded)]
    assert sum(map(len, parts)) <= 30 * 1024
    assert sum(len(gzip.compress(part)) for part in parts) <= 15 * 1024
