"""The boxes of a sign-up form: never ticked for anybody, asked for beside themselves, the same for every address."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import answering, confirmation, mailing_list, privacy_notice, signup, signup_form, subscription
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.forms import form_family, form_lint
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import language
from listkeeper.rendering import form_snapshot
from tests.fakes.databases import Database
from tests.makers import cafe, gate, studio
from tests.makers.cafe import NO_BRAKES

ADDRESS = "anna@people.example"
BOXES = {"second_consent": "yes", "age_stated": "yes"}


def _open(app: Flask, spoken: str = "en") -> None:
    """Found a café whose readers are in Russia and of age, with a privacy notice."""
    with app.app_context(), store.transaction() as session:
        made = cafe.found(session, spoken=spoken)
        owner = made.organisation
        made.mailing_list.jurisdiction = "ru"
        mailing_list.ask_age(made.mailing_list, 18)
        words = signup_form.starter(owner, made.mailing_list, spoken)
        signup_form.publish_words(session, owner, made.form, words, show=form_snapshot.page_of)
        notice = privacy_notice.publish(session, owner, spoken, privacy_notice.starter(owner, spoken))
        form_family.follow_notice(session, notice, show=form_snapshot.page_of)


def _post(client: FlaskClient, **fields: str) -> tuple[int, str]:
    answer = client.post("/f/news", data={"email": ADDRESS} | fields)
    return answer.status_code, answer.text


@pytest.mark.parametrize("spoken", language.LANGUAGES)
def test_no_box_is_ticked_and_each_stands_for_one_thing(app: Flask, client: FlaskClient, spoken: str) -> None:
    _open(app, spoken)
    page = client.get("/f/news")
    assert page.status_code == 200
    assert page.text.count('type="checkbox"') == 2
    assert " checked" not in page.text
    assert form_lint.check(page.text) == []
    assert len(page.data) < 15 * 1024
    with app.app_context(), store.reading() as session:
        shown = signup_form.shown(session, "news")
        assert shown.second is not None
        for said in (shown.text.body, shown.text.age_statement, shown.second.body, shown.second.withdrawal):
            assert said in studio.words(page)


def test_a_form_without_boxes_has_none(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    page = client.get("/f/news").text
    assert "checkbox" not in page
    assert "/privacy/" not in page


@pytest.mark.parametrize(
    ("missing", "place", "sentence"),
    [
        ("second_consent", "second-wrong", "Please tick the box about your personal data as well."),
        ("age_stated", "age-wrong", "Please tick the box that says you are 18 or older."),
    ],
)
def test_a_box_that_is_not_ticked_is_asked_for_beside_it(  # noqa: PLR0917 - three fixtures, three parameters
    app: Flask, database: Database, client: FlaskClient, missing: str, place: str, sentence: str
) -> None:
    _open(app)
    for value in ("", "no", "YES"):
        status, page = _post(client, **(BOXES | {missing: value}))
        assert status == 422
        assert re.search(rf'<p class="wrong" id="{place}">{re.escape(sentence)}</p>', page)
        assert f'value="{ADDRESS}"' in page
        assert " checked" not in page
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Signup)).all() == []


def test_with_both_boxes_the_yes_carries_a_letter(app: Flask, database: Database, client: FlaskClient) -> None:
    _open(app)
    status, page = _post(client, **BOXES)
    assert (status, "Check your mail" in page or "code" in page) == (200, True)
    with app.app_context(), store.transaction() as session:
        signup.decide(session, session.scalars(select(Signup)).one().id, NO_BRAKES)
        asked = session.scalars(select(Confirmation)).one()
        token, person_id = confirmation.token_of(asked), asked.subscriber_id
        shown = signup_form.shown(session, "news")
        sentences = shown.sentences
    page = client.get(f"/c/{token}").text
    for said in sentences:
        assert said in page, "the confirm page repeats every sentence that is agreed to"
    assert client.post(f"/c/{token}").status_code == 200
    with app.app_context(), store.transaction() as session:
        made = studio.the_cafe(session)
        held = subscription.of(session, person_id, made.mailing_list.id)
        assert held is not None
        assert (held.age_ok, held.second_consent_event_id) == (True, held.consent_event_id)
        person = session.get_one(Subscriber, person_id)
        assert gate.says(session, person, made.mailing_list) == gate.GRANTED


def test_a_missing_box_is_the_same_answer_whoever_the_address_belongs_to(
    app: Flask, database: Database, client: FlaskClient
) -> None:
    _open(app)
    _post(client, **BOXES)
    with app.app_context(), store.transaction() as session:
        signup.decide(session, session.scalars(select(Signup)).one().id, NO_BRAKES)
        answering.confirm(session, confirmation.token_of(session.scalars(select(Confirmation)).one()))
    pages = set()
    for address in (ADDRESS, "bobb@people.example"):
        answer = client.post("/f/news", data={"email": address, "age_stated": "yes"})
        secrets = re.sub(r'name="(key|ticket)" value="[^"]*"', "", answer.text.replace(address, "address"))
        pages.add((answer.status_code, secrets))
    assert len(pages) == 1


# The privacy notice


def test_the_form_links_the_notice_and_old_versions_stay_readable(
    app: Flask, database: Database, client: FlaskClient
) -> None:
    _open(app)
    assert 'href="/privacy/en"' in client.get("/f/news").text
    with app.app_context(), store.transaction() as session:
        owner = studio.the_cafe(session).organisation
        old = privacy_notice.newest(session, owner.id, "en")
        assert old is not None
        name, body = old.sha256, old.body
        privacy_notice.publish(session, owner, "en", f"{body}\n\n## More\nWe bake.")
    today, before = client.get("/privacy/en"), client.get(f"/privacy/{name}")
    assert "We bake." in today.text
    assert "We bake." not in before.text
    assert "This is an older version." in before.text
    assert name in before.text
    assert "older version" not in today.text
    for page in (today, before):
        assert page.status_code == 200
        assert "Set-Cookie" not in page.headers
        assert len(page.data) < 15 * 1024


@pytest.mark.parametrize("name", ["da", "fr", "x", "0" * 64, "%00", "EN", "..%2f"])
def test_a_notice_nobody_published_is_not_there(app: Flask, client: FlaskClient, name: str) -> None:
    _open(app)
    assert client.get(f"/privacy/{name}").status_code == 404


def test_what_an_owner_writes_is_text_and_nothing_else(app: Flask, client: FlaskClient) -> None:
    _open(app)
    with app.app_context(), store.transaction() as session:
        owner = studio.the_cafe(session).organisation
        body = privacy_notice.starter(owner, "en") + "\n\n## <b>x</b>\n<script>alert(1)</script> {{ 7 * 7 }}"
        privacy_notice.publish(session, owner, "en", body)
    page = client.get("/privacy/en").text
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }}" in page
