"""A ledger that somebody has edited in the database is not signed again: sending stops, and the owner is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience.proof import checkpoint, ledger, witness
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.cli import context
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import housekeeping
from listkeeper.sending import claim, incident, restoring
from listkeeper.standards import merkle
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import cafe


@pytest.fixture(params=databases.chosen())
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A café whose ledger is signed, and has grown since; its journal knows of no checkpoint."""
    with machine(request.param, tmp_path / "here") as made:
        with made.working() as session:
            house = cafe.found(session)
            cafe.subscribe(session, house, "anna@guest.example")
            checkpoint.make(session, house.organisation)
            cafe.subscribe(session, house, "bo@guest.example")
        yield made


def _edit(session: Session, seq: int) -> None:
    """Change a row and its hash, as somebody with the database in hand can."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    session.execute(text("DROP TRIGGER ledger_no_update" if on_sqlite else "ALTER TABLE ledger DISABLE TRIGGER USER"))
    row = session.scalars(select(LedgerRow).where(LedgerRow.seq == seq)).one()
    record = row.record.replace('"actor":"', '"actor":"x')
    forged = merkle.leaf_hash(record.encode()).hex()
    session.execute(update(LedgerRow).where(LedgerRow.seq == seq).values(record=record, hash=forged))


def test_it_is_noticed_when_it_is_to_be_signed_and_the_owner_decides(here: Machine) -> None:
    with here.working() as session:
        _edit(session, 2)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        with context.opened(here.settings):
            housekeeping.sign_ledger()
        with here.looking() as session:
            owner = organisation.only_one(session)
            assert ledger.is_forked(session, owner.id)
            assert claim.lease(session, Lane.SENDING, "worker", 10) == []
            assert session.scalar(select(func.count()).select_from(Checkpoint)) == 1
            said = [row.words for row in incident.standing(session)]
            assert said == [restoring.words_of_fork(session)]
            assert "changed or removed" in said[0]
        [found] = [row for row in here.type("doctor", "--json").json["findings"] if row["code"] == "ledger_forked"]
        assert found["severity"] == "BLOCK"
        assert "changed or removed" in found["message"]
        assert here.type("restore", "--accept", "--json").code == 0
    with time_machine.travel(clock.now() + timedelta(hours=4)):
        with context.opened(here.settings):
            housekeeping.sign_ledger()
        with here.looking() as session:
            assert not witness.is_stopped(session)
            assert incident.standing(session) == []
            # It was signed behind the new epoch, and what was changed stays named.
            newest = checkpoint.newest(session, organisation.only_one(session).id)
            assert newest is not None
            assert newest.size == ledger.size(session, newest.organisation_id)
    assert here.type("consent", "verify", "--json").json["findings"]
