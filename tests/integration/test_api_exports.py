"""The list is the owner's: a program with the right key takes everything out, and it is written down."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.accounts.api_key import Scope
from listkeeper.accounts.audit_log import AuditEntry
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.web.api import exports
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.programs import Program, code_of, program


@pytest.fixture
def shop(app: Flask, database: Database) -> Program:
    """A program that may take everything out of a café with one person."""
    with app.app_context(), store.transaction() as session:
        cafe.subscribe(session, cafe.found(session), "anna@shop.example")
    return program(app, Scope.EXPORT)


def test_everything_goes_out_whole_and_it_is_written_down(app: Flask, shop: Program) -> None:
    answer = shop.post("/exports", {}, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="listkeeper-export-')
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parcel:
        assert parcel.testzip() is None
        assert json.loads(parcel.read("manifest.json"))["kind"] == "export"
        assert b"anna@shop.example" in parcel.read("tables/subscriber.jsonl")
        everything = b"".join(parcel.read(name) for name in parcel.namelist())
    # A copy in other hands must open no door.
    assert shop.secret.encode() not in everything
    assert "tables/api_key.jsonl" not in parcel.namelist()
    with app.app_context(), store.reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.actor, entry.action) == (f"api:{shop.public_id}", "archive.exported")
        last = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc())).first()
        assert last is not None
        assert json.loads(last.record)["type"] == "evidence.exported"
        assert json.loads(last.record)["actor"] == f"api:{shop.public_id}"


def test_no_other_scope_takes_anything_out(app: Flask, shop: Program) -> None:
    other = program(app, *(scope for scope in Scope if scope is not Scope.EXPORT))
    assert code_of(other.post("/exports", {})) == "scope_missing"
    for path in ("/subscribers", "/lists", "/forms"):
        assert code_of(shop.get(path)) == "scope_missing"


def test_looking_at_it_takes_nothing_out(shop: Program) -> None:
    assert shop.get("/exports").status_code == 405


def test_a_key_takes_everything_out_some_times_an_hour(shop: Program) -> None:
    answers = [shop.post("/exports", {}, buffered=True) for _ in range(exports.AN_HOUR + 1)]
    assert [answer.status_code for answer in answers] == [200] * exports.AN_HOUR + [429]
    assert code_of(answers[-1]) == "too_many_exports"


def test_a_key_of_one_business_takes_nothing_of_another(app: Flask, shop: Program) -> None:
    with app.app_context(), store.transaction() as session:
        session.add(
            Organisation(
                legal_name="Other", postal_address="S", from_name="O", from_address="o@other.example", language="en"
            )
        )
    assert code_of(shop.post("/exports", {})) == "not_alone"
