"""A ledger that is shorter than the journal has witnessed, or is another one there, has forked; accepting heals it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from listkeeper.audience.proof import checkpoint, journal, ledger, witness
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import Event, EventType, LedgerHead, LedgerRow, LedgerTile
from listkeeper.audience.proof.witness import Witness
from listkeeper.foundation import journal_file
from tests.makers.cafe import Cafe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def _grow(session: Session, house: Cafe, rows: int) -> None:
    events = [Event(EventType.SUPPRESSED, details={"number": number}) for number in range(rows)]
    ledger.append(session, house.organisation.id, events)


def _witnessed(session: Session, house: Cafe, folder: Path) -> Checkpoint:
    made = checkpoint.make(session, house.organisation)
    journal.write_down(session, folder)
    return made


def _cut(session: Session, house: Cafe, size: int) -> None:
    """Make the ledger what an older backup has: its first ``size`` rows."""
    names = ("ledger_no_update", "ledger_no_delete", "ledger_no_change")
    for name in names:
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        session.execute(text(f"DROP TRIGGER IF EXISTS {name}" + ("" if on_sqlite else " ON ledger")))
    owner = house.organisation.id
    session.execute(delete(LedgerRow).where(LedgerRow.organisation_id == owner, LedgerRow.seq > size))
    session.execute(delete(LedgerTile).where(LedgerTile.number >= size // ledger.TILE))
    session.execute(delete(Checkpoint).where(Checkpoint.size > size))
    row = session.get(LedgerRow, (owner, size))
    values = {"seq": size, "hash": row.hash if row else "", "at": row.at if row else 0}
    session.execute(update(LedgerHead).where(LedgerHead.organisation_id == owner).values(values))
    session.expire_all()


def _forked(session: Session, folder: Path) -> list[int]:
    return [owner.id for owner in witness.forked(session, folder)]


def test_a_ledger_that_only_grew_is_well(session: Session, house: Cafe, folder: Path) -> None:
    assert _forked(session, folder) == []
    for rows in (3, 300, 1):
        _grow(session, house, rows)
        _witnessed(session, house, folder)
        assert _forked(session, folder) == []
    _grow(session, house, 5)
    assert _forked(session, folder) == []
    assert not witness.is_stopped(session)


@pytest.mark.parametrize("lost", [1, 50, 400])
def test_a_shorter_ledger_has_forked(session: Session, house: Cafe, folder: Path, lost: int) -> None:
    _grow(session, house, 600)
    size = _witnessed(session, house, folder).size
    _cut(session, house, size - lost)
    assert _forked(session, folder) == [house.organisation.id]


@pytest.mark.parametrize("grown", [30, 29, 60])
def test_a_ledger_that_went_on_from_a_backup_has_forked_however_long_it_is(
    session: Session, house: Cafe, folder: Path, grown: int
) -> None:
    _grow(session, house, 300)
    size = _witnessed(session, house, folder).size
    _grow(session, house, 30)
    _witnessed(session, house, folder)
    _cut(session, house, size)
    _grow(session, house, grown)
    assert _forked(session, folder) == [house.organisation.id]


def test_between_two_checkpoints_the_last_row_convicts(session: Session, house: Cafe, folder: Path) -> None:
    _grow(session, house, 10)
    made = _witnessed(session, house, folder)
    _grow(session, house, 5)
    # No checkpoint: something else was written down, and with it how far the ledger had come.
    session.execute(update(Checkpoint).values(journaled=False))
    journal.write_down(session, folder)
    _cut(session, house, made.size + 2)
    assert _forked(session, folder) == [house.organisation.id]
    _grow(session, house, 3)
    assert _forked(session, folder) == [house.organisation.id]


def test_a_new_epoch_cites_the_last_checkpoint_that_both_agree_on(session: Session, house: Cafe, folder: Path) -> None:
    _grow(session, house, 40)
    good = _witnessed(session, house, folder)
    _grow(session, house, 40)
    _witnessed(session, house, folder)
    _cut(session, house, good.size + 1)
    ledger.mark_forked(session, house.organisation.id)
    assert witness.is_stopped(session)
    assert [owner.id for owner in witness.stopped(session)] == [house.organisation.id]
    last = witness.last_good(session, folder, house.organisation)
    assert last == Witness(good.size, good.root, "")
    ledger.accept_fork(session, house.organisation.id, actor="cli", size=last.size, root=last.root)
    assert not witness.is_stopped(session)
    # Until the journal has the acceptance, the fork is found again: nothing is hidden by a crash in between.
    assert _forked(session, folder) == [house.organisation.id]
    journal_file.append(folder, [witness.accepted(house.organisation, last)])
    assert _forked(session, folder) == []
    # The new epoch is witnessed like the old one.
    _grow(session, house, 100)
    size = _witnessed(session, house, folder).size
    assert _forked(session, folder) == []
    _cut(session, house, size - 1)
    assert _forked(session, folder) == [house.organisation.id]


def test_the_same_old_copy_put_back_again_is_found_again(session: Session, house: Cafe, folder: Path) -> None:
    """Nothing was witnessed since the owner accepted it, but for the beginning of the new epoch itself."""
    _grow(session, house, 40)
    good = _witnessed(session, house, folder)
    _grow(session, house, 40)
    _witnessed(session, house, folder)
    _cut(session, house, good.size + 1)
    last = witness.last_good(session, folder, house.organisation)
    number, owner = house.organisation.id, house.organisation.public_id
    ledger.accept_fork(session, number, actor="cli", size=last.size, root=last.root)
    journal_file.append(folder, [witness.accepted(house.organisation, last), journal.end_of(session, number, owner)])
    assert _forked(session, folder) == []
    _cut(session, house, good.size + 1)
    assert _forked(session, folder) == [number]


def test_with_no_checkpoint_in_common_the_new_epoch_cites_the_empty_ledger(
    session: Session, house: Cafe, folder: Path
) -> None:
    _grow(session, house, 4)
    _witnessed(session, house, folder)
    _cut(session, house, 1)
    last = witness.last_good(session, folder, house.organisation)
    assert last == Witness(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "")
