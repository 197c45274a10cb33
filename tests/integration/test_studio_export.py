"""The owner takes everything out with one button; the ledger and the audit log say who did; a GET does nothing."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.audience.proof import ledger
from listkeeper.foundation import archive_reading
from listkeeper.sending import incident
from listkeeper.sending.incident import IncidentKind
from tests.makers import cafe, studio
from tests.makers.studio import StudioBrowser


@pytest.fixture
def browser(app: Flask) -> StudioBrowser:
    """The browser of a café's owner."""
    with app.app_context(), store.transaction() as session:
        cafe.found(session)
    return studio.signed_in(app)


@pytest.mark.usefixtures("database")
def test_one_button_takes_everything_out(app: Flask, browser: StudioBrowser) -> None:
    page = browser.get("/studio/settings")
    assert 'action="/studio/settings/export"' in page.text
    assert browser.get("/studio/settings/export").status_code == 405
    answer = browser.post("/studio/settings/export")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert 'attachment; filename="listkeeper-export-' in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parcel:
        assert parcel.testzip() is None
        assert {"README.txt", "subscribers.csv", "manifest.json", "tables/ledger.jsonl"} <= set(parcel.namelist())
        said = json.loads(parcel.read("manifest.json"))
    assert (said["format"], said["kind"]) == ("listkeeper-archive", "export")
    with app.app_context(), store.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "archive.exported")).one()
        row = session.scalars(select(ledger.LedgerRow).where(ledger.LedgerRow.type == "evidence.exported")).one()
        assert entry.actor == ledger.fields_of(row)["actor"]
        assert entry.actor.startswith("user:")


def test_the_download_can_be_opened_and_is_true(browser: StudioBrowser, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(browser.post("/studio/settings/export").data)
    with archive_reading.opened(path) as archive:
        archive.verify()
        assert len(list(archive.lines("organisation"))) == 1


def test_a_stranger_gets_nothing(app: Flask) -> None:
    answer = app.test_client().post("/studio/settings/export")
    assert answer.status_code in {302, 400, 401, 403}
    assert answer.content_type != "application/zip"


def test_what_stands_still_is_said_on_the_first_screen(app: Flask, browser: StudioBrowser) -> None:
    assert "It stands still" not in browser.get("/studio/").text
    with app.app_context(), store.transaction() as session:
        incident.report(session, IncidentKind.LEDGER_FORKED, "ignored")
    page = browser.get("/studio/").text
    assert "It stands still" in page
    assert "listkeeper restore --accept" in page
