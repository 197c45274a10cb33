"""Undo: what a file brought goes again, byte for byte, and every opt-out stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from listkeeper import store
from listkeeper.audience import subscriber, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.importing.batch import ImportBatch, ImportState
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock
from listkeeper.foundation.errors import Conflict
from tests.fakes.databases import Database
from tests.makers import cafe, exports, imports
from tests.makers.exports import ASKED, CONFIRMED
from tests.makers.imports import PROVEN, Court

HEAD = "Email,City,Status,OPTIN_TIME,CONFIRM_TIME"


@pytest.fixture
def court(app: Flask, database: Database, tmp_path: Path) -> Court:
    return imports.opened(app, tmp_path)


def _csv(court: Court, *lines: str, name: str = "people.csv") -> Path:
    return exports.write(court.folder / name, "\n".join((HEAD, *lines)) + "\n")


def _row(address: str, status: str = "active", confirmed: str = CONFIRMED) -> str:
    return f"{address},Aarhus,{status},{ASKED},{confirmed}"


def _number(court: Court, address: str) -> int:
    with court.app.app_context(), store.reading() as session:
        return session.scalars(select(Subscriber.id).where(Subscriber.email_key == address)).one()


def test_everything_is_as_it_was(court: Court) -> None:
    with court.app.app_context(), store.transaction() as session:
        cafe.subscribe(session, court.house(session), "old@guest.example")
    court.load(_csv(court, _row("kept@guest.example", confirmed="")))
    before = court.everything()
    file = _csv(
        court, _row("new@guest.example"), _row("bare@guest.example", confirmed=""), _row("old@guest.example"),
        _row("kept@guest.example"), _row("kept@guest.example"), "broken", name="more.csv",
    )  # fmt: skip
    made = court.load(file, replace(PROVEN, columns=("City",)))
    assert made.counts["new"] == 1
    assert court.profile("old@guest.example") == {"city": "Aarhus"}
    assert court.states()["kept@guest.example"] == "confirmed"
    court.undo(made.id)
    assert court.everything() == before
    assert court.batch(made.id).state is ImportState.UNDONE
    with court.app.app_context(), store.reading() as session:
        told = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
        assert (told.type, made.public_id in told.record) == ("consent.invalidated", True)


def test_opt_outs_of_the_file_and_those_since_stay(court: Court) -> None:
    made = court.load(
        _csv(court, _row("anna@guest.example"), _row("bo@guest.example"), _row("carl@guest.example", "spam"))
    )
    with court.app.app_context(), store.transaction() as session:
        person = subscriber.named(session, court.house(session).organisation, "anna@guest.example")
        unsubscribe.leave(session, person.id, court.list_id, Method.ONE_CLICK)
    held = court.suppressions()
    assert len(held) == 2
    court.undo(made.id)
    assert court.suppressions() == held
    assert court.states() == {"anna@guest.example": "unsubscribed"}
    # And the file, brought again, brings nobody back.
    again = court.load(_csv(court, _row("anna@guest.example"), _row("carl@guest.example"), name="again.csv"))
    assert again.counts["suppressed"] == 2


def test_who_confirmed_herself_since_stays_confirmed(court: Court) -> None:
    made = court.load(_csv(court, _row("anna@guest.example", confirmed="")))
    with court.app.app_context(), store.transaction() as session:
        cafe.subscribe(session, court.house(session), "anna@guest.example")
    court.undo(made.id)
    assert court.states() == {"anna@guest.example": "confirmed"}


def test_who_was_written_to_stays_as_a_row_that_nobody_writes_to(court: Court) -> None:
    made = court.load(_csv(court, _row("anna@guest.example"), _row("bo@guest.example")))
    court.undo(made.id, written_to=[_number(court, "anna@guest.example")])
    assert court.states() == {"anna@guest.example": "imported_unverified"}


def test_not_twice_and_not_after_thirty_days(court: Court) -> None:
    made = court.load(_csv(court, _row("anna@guest.example")))
    with court.app.app_context(), store.transaction() as session:
        batch = session.get_one(ImportBatch, made.id)
        batch.finished_at = clock.now() - timedelta(days=30)
    with pytest.raises(Conflict):
        court.undo(made.id)
    assert court.states() == {"anna@guest.example": "confirmed"}


def test_an_undone_file_may_be_brought_again(court: Court) -> None:
    file = _csv(court, _row("anna@guest.example"))
    made = court.load(file)
    court.undo(made.id)
    assert court.states() == {}
    again = court.load(file)
    assert (again.id != made.id, court.states()) == (True, {"anna@guest.example": "confirmed"})
