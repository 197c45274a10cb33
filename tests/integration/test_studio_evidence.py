"""Evidence and proof in the studio: by a POST only, and each time written down."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts import organisation, user
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.user import User
from listkeeper.audience import signup_form
from listkeeper.audience.proof import evidence_request
from listkeeper.audience.proof.evidence_request import EvidenceRequest
from listkeeper.audience.proof.ledger import EventType, LedgerRow
from tests.fakes.databases import Database
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser, words

ADDRESS = "anna@people.example"


@pytest.fixture
def browser(app: Flask, database: Database) -> StudioBrowser:
    """The owner of a café with one person on the list."""
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, cafe.found(session), ADDRESS)
    return studio.signed_in(app)


def person_address(browser: StudioBrowser) -> str:
    """Return the address of the person's page."""
    lists = browser.get("/studio/lists").text
    page = browser.get("/studio/lists/lst_" + lists.split("/studio/lists/lst_")[1].split('"')[0]).text
    return "/studio/people/sub_" + page.split("/studio/people/sub_")[1].split('"')[0]


def _logged(app: Flask) -> list[str]:
    with app.app_context(), store.reading() as session:
        return [row.action for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_the_person_page_shows_the_exact_text_and_offers_the_proof(browser: StudioBrowser) -> None:
    page = browser.get(person_address(browser))
    with browser.app.app_context(), store.reading() as session:
        text = signup_form.newest(session, studio.the_cafe(session).form).consent_text.whole
    assert text in words(page)
    assert "Download the proof" in words(page)
    assert "192.0.2.1" not in page.text


def test_the_proof_is_a_zip_and_the_ledger_says_who_took_it(app: Flask, browser: StudioBrowser) -> None:
    answer = browser.post(f"{person_address(browser)}/proof")
    assert answer.status_code == 200
    assert answer.content_type == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert re.fullmatch(r'attachment; filename="proof-sub_[0-9a-z]+\.zip"', answer.headers["Content-Disposition"])
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert b"192.0.2.1" in archive.read("evidence.jsonl")
    with app.app_context(), store.reading() as session:
        row = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.EVIDENCE_EXPORTED.value)).one()
        assert '"actor":"user:' in row.record
    assert "evidence.exported" in _logged(app)


def test_evidence_is_opened_on_demand_and_that_is_logged(app: Flask, browser: StudioBrowser) -> None:
    assert "evidence.seen" not in _logged(app)
    shown = browser.post(f"{person_address(browser)}/evidence")
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    said = words(shown)
    assert "IP address 192.0.2.1" in said
    assert "Gave consent" in said
    assert _logged(app)[-1] == "evidence.seen"


@pytest.mark.parametrize("what", ["proof", "evidence"])
def test_nothing_is_handed_out_by_looking_or_without_the_token(app: Flask, browser: StudioBrowser, what: str) -> None:
    address = f"{person_address(browser)}/{what}"
    assert browser.get(address).status_code == 405
    assert browser.client.post(address).status_code in {302, 303, 400, 403}
    assert app.test_client().post(address).status_code in {302, 303, 400, 401, 403}
    assert not {"evidence.exported", "evidence.seen"} & set(_logged(app))


def test_somebody_nobody_knows_is_not_found(browser: StudioBrowser) -> None:
    assert browser.post("/studio/people/sub_nobody/proof").status_code == 404


def _second_user(app: Flask) -> None:
    with app.app_context(), store.transaction() as session:
        owner = organisation.only_one(session)
        user.create(session, written="bo@cafe.example", organisation_id=owner.id)


def test_with_four_eyes_the_proof_waits_for_somebody_else(app: Flask, browser: StudioBrowser) -> None:
    refused = browser.post("/studio/settings/evidence", {"needs_two": "1"}, follow_redirects=True)
    assert "You are the only user" in words(refused)
    _second_user(app)
    assert "Saved." in words(browser.post("/studio/settings/evidence", {"needs_two": "1"}, follow_redirects=True))
    address = person_address(browser)
    asked = browser.post(f"{address}/proof", follow_redirects=True)
    assert asked.content_type.startswith("text/html")
    assert "Somebody else must release it" in words(asked)
    assert browser.post(f"{address}/evidence").status_code == 303
    with app.app_context(), store.transaction() as session:
        waiting = session.scalars(select(EvidenceRequest)).one()
        public_id = waiting.public_id
    assert browser.post(f"/studio/evidence/{public_id}/release").status_code == 403
    with app.app_context(), store.transaction() as session:
        other = session.scalars(select(User).where(User.address == "bo@cafe.example")).one()
        evidence_request.release(session, organisation.only_one(session), public_id, other)
    assert browser.post(f"{address}/proof").content_type == "application/zip"
    assert browser.post(f"{address}/proof").status_code == 303
    assert {"evidence.asked", "evidence.released", "evidence.exported"} <= set(_logged(app))
