"""A form with several boxes at every door: never ticked for anybody, kept when something is wrong, one mail for all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from listkeeper import store
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import answering, confirmation, mailing_list, signup_form
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.forms import form_lint, form_offer
from listkeeper.audience.guard import defence
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation.outbox import Lane
from listkeeper.rendering import form_snippet
from listkeeper.sending import proof
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe, programs, purposes, studio
from tests.makers.bundle_files import BundleFiles
from tests.makers.cafe import Cafe
from tests.makers.works import Works, make_due

HER = "anna@people.example"
SHOP = "https://shop.example"


@pytest.fixture
def boxes(app: Flask) -> Iterator[dict[str, str]]:
    """The boxes of a café's form, by the name of their list."""
    with app.app_context():
        with store.transaction() as session:
            made = cafe.found(session)
            lists = [made.mailing_list, *purposes.offer(session, made, "Bread club")]
            found = {each.name: form_offer.box_of(each.public_id) for each in lists}
        yield found


def _rows() -> list[Signup]:
    with store.reading() as session:
        rows = list(session.scalars(select(Signup).order_by(Signup.id)))
        session.expunge_all()
        return rows


def _ticked(answer: TestResponse) -> dict[str, bool]:
    found = html.document_fromstring(answer.text).xpath("//input[@type='checkbox']")
    return {box.get("name"): box.get("checked") is not None for box in found}


def test_the_page_asks_for_each_by_itself_and_ticks_nothing(client: FlaskClient, boxes: dict[str, str]) -> None:
    page = client.get("/f/news")
    assert _ticked(page) == {boxes["News"]: False, boxes["Bread club"]: False}
    assert form_lint.check(page.text) == []
    said = studio.words(page)
    assert "What would you like to get?" in said
    assert said.count("may send me Bread club") == 1
    # The sentence on leaving is the same for both, and stands there once.
    assert said.count("I can stop at any time") == 1
    assert len(page.data) < 15 * 1024


def test_a_post_without_a_tick_comes_back_with_everything_in_it(client: FlaskClient, boxes: dict[str, str]) -> None:
    wrong = client.post("/f/news", data={"email": HER})
    assert wrong.status_code == 422
    assert f'value="{HER}"' in wrong.text
    page = html.document_fromstring(wrong.text)
    [group] = page.xpath("//*[@role='group']")
    [said] = page.xpath("//*[@id='purpose-wrong']")
    assert group.get("aria-describedby") == "purpose-wrong"
    assert "Please tick what you would like to get." in said.text_content()
    assert page.xpath("//input[@autofocus]/@name") == [boxes["News"]]
    again = client.post("/f/news", data={"email": "anna@", boxes["Bread club"]: "yes"})
    assert again.status_code == 422
    assert _ticked(again) == {boxes["News"]: False, boxes["Bread club"]: True}
    assert _rows() == []


def test_what_is_ticked_is_what_is_stored(client: FlaskClient, boxes: dict[str, str]) -> None:
    fields = {"email": HER, boxes["Bread club"]: "yes", "purpose-lst_other": "yes", boxes["News"]: "no"}
    assert client.post("/f/news", data=fields).status_code == 200
    [row] = _rows()
    with store.reading() as session:
        [bread] = [each.id for each in _lists(session) if each.name == "Bread club"]
    assert row.list_ids == [bread]


def _lists(session: Session) -> list[mailing_list.MailingList]:
    return mailing_list.all_of(session, session.scalars(select(Organisation)).one())


def test_the_page_in_between_carries_the_ticks_on(client: FlaskClient, boxes: dict[str, str]) -> None:
    with store.transaction() as session:
        house = studio.the_cafe(session)
        defence.declare_attack(session, house.organisation.id, "user:1")
    sent = _hidden(client.get("/f/news").text) | {"email": HER, boxes["Bread club"]: "yes"}
    step = client.post("/f/news", data=sent)
    kept = _hidden(step.text)
    assert kept.keys() >= {"step", "email", boxes["Bread club"]}
    assert _rows() == []
    assert client.post("/f/news", data=kept).status_code == 200
    [row] = _rows()
    assert len(row.list_ids or []) == 1


def test_who_goes_back_and_ticks_another_box_is_not_taken_for_a_retry(
    client: FlaskClient, boxes: dict[str, str]
) -> None:
    sent = _hidden(client.get("/f/news").text) | {"email": HER}
    for _ in range(2):
        assert client.post("/f/news", data=sent | {boxes["News"]: "yes"}).status_code == 200
    assert len(_rows()) == 1
    # Her page's ticket is used up, so the second wish takes one press more.
    step = client.post("/f/news", data=sent | {boxes["Bread club"]: "yes"})
    assert client.post("/f/news", data=_hidden(step.text)).status_code == 200
    first, second = _rows()
    assert first.list_ids != second.list_ids


def _hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_the_component_says_and_takes_the_same(client: FlaskClient, boxes: dict[str, str]) -> None:
    said = client.get("/f/news/embed", headers={"Origin": SHOP}).get_json()
    assert [(box["name"], box["free"]) for box in said["boxes"]] == [(boxes["News"], True), (boxes["Bread club"], True)]
    assert said["choose"] == "What would you like to get?"
    assert not any("may send me" in text for text in said["texts"])
    wrong = client.post("/f/news/embed", data=said["hidden"] | {"email": HER}, headers={"Origin": SHOP})
    assert wrong.status_code == 422
    assert wrong.get_json()["field"] == boxes["Bread club"]
    sent = said["hidden"] | {"email": HER, boxes["News"]: "yes"}
    assert client.post("/f/news/embed", data=sent, headers={"Origin": SHOP}).status_code == 200


def test_a_pasted_form_has_the_boxes_and_stays_good_only_while_they_are_todays(
    client: FlaskClient, boxes: dict[str, str]
) -> None:
    with store.reading() as session:
        pasted = form_snippet.all_of(signup_form.shown(session, "news"), "https://mail.cafe.example")["html"]
    page = html.document_fromstring(pasted)
    assert page.xpath("//input[@type='checkbox']/@name") == list(boxes.values())
    assert page.xpath("//input[@type='checkbox']/@required | //input[@type='checkbox']/@checked") == []
    version = page.xpath("//input[@name='v']/@value")[0]
    fields = {"email": HER, "v": version, boxes["News"]: "yes"}
    assert client.post("/f/news", data=fields).status_code == 200
    with store.transaction() as session:
        house = studio.the_cafe(session)
        signup_form.publish_words(session, house.organisation, house.form, signup_form.starter(
            house.organisation, house.mailing_list, "en"))  # fmt: skip
    assert client.post("/f/news", data=fields).status_code == 409


def test_a_program_names_the_lists_that_were_ticked(app: Flask, boxes: dict[str, str]) -> None:
    shop = programs.program(app)
    [form] = shop.get("/forms").get_json()["forms"]
    assert [each["text"]["body"].count("may send me") for each in form["purposes"]] == [1, 1]
    wish = {"form": form["id"], "address": HER}
    assert shop.post("/signups", wish).status_code == 422
    assert shop.post("/signups", wish | {"lists": [form["purposes"][1]["list"]]}).status_code == 202
    [row] = _rows()
    assert len(row.list_ids or []) == 1
    assert boxes


# Through real jobs to a mail server


def _offered(session: Session, house: Cafe) -> None:
    purposes.offer(session, house, "Bread club")


def _ask(session: Session, house: Cafe) -> None:
    purposes.ask(session, house, HER, mailing_list.all_of(session, house.organisation))


def _plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def _asked(works: Works) -> str:
    """Offer, ask and mail; return the secret of the link."""
    works.write(_offered)
    works.write(_ask)
    works.work(Lane.URGENT, 3)
    return works.read(lambda session: confirmation.token_of(session.scalars(select(Confirmation)).one()))


def test_one_mail_asks_and_each_yes_gets_its_receipt(works: Works, smtp_sink: SmtpSink, client: FlaskClient) -> None:
    token = _asked(works)
    [mail] = smtp_sink.to(HER)
    assert "News and Bread club" in str(mail.message["Subject"])
    assert _plain(mail.message).count("may send me") == 2
    assert studio.words(client.get(f"/c/{token}")).count("may send me") == 2
    assert "News and Bread club" in studio.words(client.post(f"/c/{token}"))
    works.work(Lane.URGENT, 2)
    works.write(make_due)
    works.work(Lane.URGENT, 2)
    receipts = [str(each.message["Subject"]) for each in smtp_sink.to(HER)[1:]]
    assert sorted(receipts) == ["Your receipt for “Bread club”", "Your receipt for “News”"]


def test_her_proof_shows_the_mail_and_the_form_for_each(works: Works, smtp_sink: SmtpSink, tmp_path: Path) -> None:
    token = _asked(works)
    made: list[bytes] = []

    def act(session: Session, house: Cafe) -> None:
        answering.confirm(session, token)
        person = session.scalars(select(Subscriber)).one()
        handed = proof.hand_out(session, house.organisation, person.subject_ref, actor="cli", site="http://localhost")
        made.append(handed.content)

    works.write(act)
    bundle = BundleFiles(made[0])
    [form] = [json.loads(bundle.files[name]) for name in bundle.below("forms/")]
    [further] = form["further"]
    text = json.loads(bundle.files[f"texts/{further['text_sha256']}.json"])
    assert "Bread club" in text["body"]
    rows = [row for row in bundle.lines("ledger.jsonl") if row["subject"]]
    count = Counter(row["type"] for row in rows)
    assert [count[each] for each in ("consent.requested", "doi.handed", "doi.accepted", "consent.given")] == [2] * 4
    assert len({row["list"] for row in rows if row["type"] == "consent.given"}) == 2
    assert len(smtp_sink.to(HER)) == 1
    command = [sys.executable, "-m", "listkeeper.standards.proof", str(bundle.packed(tmp_path / "proof.zip")), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, json.loads(ran.stdout)["findings"]) == (0, [])
