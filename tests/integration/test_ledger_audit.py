"""The check of our own ledger where it lies: what somebody with the database in hand changes is found and named."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from listkeeper.audience.consent_text import ConsentText
from listkeeper.audience.proof import checkpoint, evidence, ledger_audit
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.evidence import Evidence
from listkeeper.audience.proof.ledger import LedgerRow, LedgerTile
from listkeeper.audience.subscriber import Subscriber
from listkeeper.standards import merkle
from tests.benchmarks import ledger as many
from tests.makers import cafe
from tests.makers.cafe import Cafe


@pytest.fixture
def made(session: Session) -> Cafe:
    """A café with two people, a checkpoint, and the triggers of its ledger taken away by somebody."""
    made = cafe.found(session)
    cafe.subscribe(session, made, "anna@crowd.example")
    cafe.subscribe(session, made, "bo@crowd.example")
    checkpoint.make(session, made.organisation)
    _without_seat_belts(session)
    session.commit()
    return made


def _without_seat_belts(session: Session) -> None:
    if session.get_bind().dialect.name == "sqlite":
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_in_order"):
            session.execute(text(f"DROP TRIGGER {name}"))
    else:
        session.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))


def found(session: Session, made: Cafe) -> set[str]:
    """Return the codes of what the check finds."""
    session.flush()
    session.expire_all()
    return {fault.code for fault in ledger_audit.check(session, made.organisation).faults}


def _row(session: Session, seq: int) -> LedgerRow:
    return session.scalars(select(LedgerRow).where(LedgerRow.seq == seq)).one()


def test_a_true_ledger_is_called_true_and_counted(session: Session, made: Cafe) -> None:
    audit = ledger_audit.check(session, made.organisation)
    assert audit.faults == []
    assert audit.rows == session.scalar(text("SELECT count(*) FROM ledger"))
    # A request and a yes of each of the two.
    assert (audit.evidence, audit.withheld, audit.checkpoints) == (4, 0, 1)


def test_an_edited_row(session: Session, made: Cafe) -> None:
    row = _row(session, 4)
    session.execute(
        update(LedgerRow).where(LedgerRow.seq == 4).values(record=row.record.replace('"actor":"', '"actor":"x'))
    )
    assert "edited_record" in found(session, made)


def test_a_row_edited_with_its_hash_still_breaks_the_chain(session: Session, made: Cafe) -> None:
    record = _row(session, 4).record.replace('"actor":"', '"actor":"x')
    forged = merkle.leaf_hash(record.encode()).hex()
    session.execute(update(LedgerRow).where(LedgerRow.seq == 4).values(record=record, hash=forged))
    assert {"edited_record", "bad_checkpoint"} <= found(session, made)


def test_a_column_that_says_something_else_than_its_record(session: Session, made: Cafe) -> None:
    session.execute(update(LedgerRow).where(LedgerRow.seq == 3).values(type="consent.withdrawn"))
    assert "edited_record" in found(session, made)


def test_a_removed_row(session: Session, made: Cafe) -> None:
    session.execute(delete(LedgerRow).where(LedgerRow.seq == 4))
    assert "removed_row" in found(session, made)


def test_a_tail_that_was_cut_off(session: Session, made: Cafe) -> None:
    end = session.scalar(text("SELECT max(seq) FROM ledger")) or 0
    session.execute(delete(LedgerRow).where(LedgerRow.seq > end - 2))
    assert found(session, made) >= {"truncated_tail"}
    # Also when the head was turned back: the checkpoint remembers.
    row = _row(session, end - 2)
    session.execute(text("UPDATE ledger_head SET seq = :seq, hash = :hash"), {"seq": end - 2, "hash": row.hash})
    assert "truncated_tail" in found(session, made)


def test_swapped_evidence(session: Session, made: Cafe) -> None:
    one, two, *_ = session.scalars(select(Evidence).order_by(Evidence.event_id)).all()
    first, second = one.sealed, two.sealed
    session.execute(update(Evidence).where(Evidence.event_id == one.event_id).values(sealed=second))
    session.execute(update(Evidence).where(Evidence.event_id == two.event_id).values(sealed=first))
    assert found(session, made) == {"swapped_evidence"}


def test_evidence_erased_by_right_is_no_fault(session: Session, made: Cafe) -> None:
    person = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
    assert person is not None
    evidence.destroy(session, person.subject_ref)
    audit = ledger_audit.check(session, made.organisation)
    assert (audit.faults, audit.withheld) == ([], 2)


def test_a_text_edited_by_hand_is_named(session: Session, made: Cafe) -> None:
    session.execute(update(ConsentText).values(body="Something else, Café Kardemomme"))
    session.expire_all()
    (fault,) = ledger_audit.check(session, made.organisation).faults
    assert fault.code == "edited_text"
    assert "text en-1" in fault.sentence


def test_a_cited_text_that_has_gone(session: Session, made: Cafe) -> None:
    session.execute(update(ConsentText).values(sha256="0" * 64))
    assert {"edited_text", "missing_text"} <= found(session, made)


def test_a_checkpoint_somebody_wrote(session: Session, made: Cafe) -> None:
    session.execute(update(Checkpoint).values(root="0" * 64))
    assert found(session, made) == {"bad_checkpoint"}


def test_a_checkpoint_of_another_key(session: Session, made: Cafe) -> None:
    other = "A" * 43 + "="
    session.execute(update(Checkpoint).values(public_key=other))
    assert found(session, made) == {"bad_checkpoint"}


def test_a_tile_that_was_changed(session: Session, made: Cafe) -> None:
    many.append(session, made, 600, 300)
    assert found(session, made) == set()
    session.execute(update(LedgerTile).where(LedgerTile.number == 1).values(hash="0" * 64))
    assert "edited_record" in found(session, made)


def test_the_number_of_rows_is_told_while_it_works(session: Session, made: Cafe) -> None:
    many.append(session, made, 4_500, 1_500)
    told: list[int] = []
    audit = ledger_audit.check(session, made.organisation, told.append)
    assert told == sorted(told)
    assert told[-1] == audit.rows
    assert len(told) == 3
