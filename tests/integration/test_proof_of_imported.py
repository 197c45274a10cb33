"""The proof of somebody who came with an import: her row, its way to the root of the batch, plain words for a claim."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience.proof import proof_bundle
from listkeeper.audience.proof.certificate import Certificate
from listkeeper.audience.subscriber import Subscriber
from listkeeper.sending import proof
from tests.fakes.databases import Database
from tests.makers import exports, imports
from tests.makers.bundle_files import BundleFiles
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import Court

HEAD = "Email,First Name,City,Status,OPTIN_TIME,CONFIRM_TIME"
SITE = "http://localhost:8025"


@pytest.fixture
def court(app: Flask, database: Database, tmp_path: Path) -> Court:
    """A café that has imported nine people, one of them without evidence."""
    court = imports.opened(app, tmp_path)
    rows = [f"p{number}@guest.example,Anna,Aarhus,active,{ASKED},{CONFIRMED}" for number in range(8)]
    lines = [HEAD, *rows, f"bo@guest.example,Bo,Aarhus,active,{ASKED},"]
    court.load(exports.write(tmp_path / "people.csv", "\n".join(lines) + "\n"))
    return court


def handed_out(court: Court, address: str) -> tuple[BundleFiles, Certificate]:
    """Return somebody's bundle, taken apart, and the certificate in it."""
    with court.app.app_context(), store.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == address)).one()
        owner = court.house(session).organisation
        made = proof.hand_out(session, owner, person.subject_ref, actor="cli", site=SITE)
    return BundleFiles(made.content), made.certificate


def verified(bundle: BundleFiles, folder: Path) -> tuple[int, set[str]]:
    """Run the bundle's own verifier on it; return its exit code and what it found."""
    program = folder / "listkeeper_verify.py"
    program.write_bytes(bundle.files[proof_bundle.VERIFIER])
    path = bundle.packed(folder / "proof.zip")
    ran = subprocess.run(
        [sys.executable, str(program), str(path), "--json"], capture_output=True, text=True, check=False
    )
    return ran.returncode, {finding["code"] for finding in json.loads(ran.stdout)["findings"]}


def test_an_imported_row_is_proved_by_its_batch(court: Court, tmp_path: Path) -> None:
    bundle, certificate = handed_out(court, "p3@guest.example")
    assert verified(bundle, tmp_path) == (0, set())
    (line,) = bundle.lines("import_rows.jsonl")
    assert line["record"]["subject"] == certificate.subject
    (shown,) = bundle.lines("evidence.jsonl")
    assert (shown["event"], shown["evidence"]["address"]) == (line["record"]["id"], "p3@guest.example")
    assert [row["type"] for row in bundle.lines("ledger.jsonl")] == ["import.batch", "evidence.exported"]
    # Nobody else's row is in it.
    assert not any(b"p4@guest.example" in content for content in bundle.files.values())


def test_an_edited_imported_row_is_found(court: Court, tmp_path: Path) -> None:
    bundle, _ = handed_out(court, "p3@guest.example")
    (line,) = bundle.lines("import_rows.jsonl")
    bundle.write_lines("import_rows.jsonl", [line | {"record": line["record"] | {"confirmed_at": 1}}])
    assert verified(bundle, tmp_path) == (1, {"bad_import_row"})


def test_edited_evidence_of_an_imported_row_is_found(court: Court, tmp_path: Path) -> None:
    bundle, _ = handed_out(court, "p3@guest.example")
    (shown,) = bundle.lines("evidence.jsonl")
    bundle.write_lines("evidence.jsonl", [shown | {"evidence": shown["evidence"] | {"origin": "our shop"}}])
    assert verified(bundle, tmp_path) == (1, {"swapped_evidence"})


def test_paper_and_exports_call_it_a_claim(court: Court) -> None:
    bundle, certificate = handed_out(court, "p3@guest.example")
    (permission,) = certificate.permissions
    assert permission.claim is not None
    assert dict(permission.claim.claims)["method"] == "sign-up form with confirmation"
    pages = PdfReader(io.BytesIO(bundle.files["certificate.pdf"])).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Imported claim" in text
    assert "It is a claim, not a record of ours." in text
    assert "Gave consent" not in text
    (record,) = json.loads(bundle.files["iso27560.jsonld"])["dpv:hasRecordOfActivity"]
    assert [status["@type"][0] for status in record["dpv:hasConsentStatus"]] == ["dpv:ConsentUnknown"]
    # No receipt says that she said yes to us.
    assert json.loads(bundle.files["kantara.json"]) == []


def test_a_row_without_evidence_is_shown_as_never_mailed(court: Court, tmp_path: Path) -> None:
    bundle, certificate = handed_out(court, "bo@guest.example")
    assert verified(bundle, tmp_path) == (0, set())
    assert [permission.state for permission in certificate.permissions] == ["imported_unverified"]
    assert not certificate.permissions[0].permits
    assert b"Imported without evidence, never mailed" in bundle.files["certificate.html"]
