"""Checkpoints: what was signed is never contradicted silently, and a new key is told of before it signs."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.proof import checkpoint, ledger
from listkeeper.audience.proof.checkpoint import Checkpoint
from listkeeper.audience.proof.ledger import Event, EventType, LedgerHead, LedgerRow
from listkeeper.foundation import keys
from listkeeper.foundation.errors import Conflict
from listkeeper.foundation.outbox import Fact
from listkeeper.settings import Settings
from listkeeper.standards import merkle, signed_note
from tests.fakes.at_once import at_once
from tests.makers import auditor, cafe
from tests.makers.cafe import Cafe


def _say(session: Session, house: Cafe, count: int = 1) -> ledger.Written:
    return ledger.append(session, house.organisation.id, [Event(EventType.GIVEN, subject="a" * 32)] * count)[-1]


def _public(written: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(written))


def _leaves(session: Session) -> list[bytes]:
    return [bytes.fromhex(found) for found in session.scalars(select(LedgerRow.hash).order_by(LedgerRow.seq))]


def _another_master(settings: Settings, number: int) -> None:
    (settings.key_folder / f"master-{number}.key").write_bytes(sha256(b"%d" % number).digest())
    keys.open_folder(settings.key_folder)


def _rows(session: Session, kind: EventType) -> list[dict[str, object]]:
    return [json.loads(row) for row in session.scalars(select(LedgerRow.record).where(LedgerRow.type == kind.value))]


def test_a_checkpoint_is_a_signed_note_over_the_tree(session: Session, house: Cafe) -> None:
    _say(session, house, 300)
    made = checkpoint.make(session, house.organisation)
    name = f"listkeeper/{house.organisation.public_id}"
    lines = signed_note.verify(made.note, name, _public(made.public_key)).split("\n")
    root = auditor.root(_leaves(session))
    size = ledger.size(session, house.organisation.id)
    assert lines == [f"{name}/ledger", str(size), base64.b64encode(root).decode(), ""]
    assert (made.size, made.root) == (size, root.hex())
    assert session.scalars(select(Fact.subject_id).where(Fact.name == checkpoint.MADE)).all() == [made.id]


def test_what_was_signed_is_not_signed_again(session: Session, house: Cafe) -> None:
    made = checkpoint.make(session, house.organisation)
    assert checkpoint.make(session, house.organisation) is made
    assert checkpoint.covering(session, house.organisation, made.size) is made
    later = _say(session, house)
    again = checkpoint.covering(session, house.organisation, later.seq)
    assert again.size == later.seq > made.size
    assert checkpoint.covering(session, house.organisation, made.size) is again


def test_each_checkpoint_continues_the_one_before(session: Session, house: Cafe) -> None:
    made = []
    for count in (1, 2, 300, 5, 256):
        _say(session, house, count)
        made.append(checkpoint.make(session, house.organisation))
    leaves = _leaves(session)
    for old, new in itertools.pairwise(made):
        tree = ledger.tree(session, house.organisation.id, new.size)
        path = tree.consistency_path(old.size)
        roots = bytes.fromhex(old.root), bytes.fromhex(new.root)
        assert merkle.verify_consistency(old.size, new.size, *roots, path)
        assert roots[0] == auditor.root(leaves[: old.size])


@pytest.mark.parametrize(
    ("rows", "waited", "due"),
    [
        (0, timedelta(days=1), False),
        (1, timedelta(minutes=59, seconds=59), False),
        (1, timedelta(hours=1), True),
        (99, timedelta(minutes=1), False),
        (100, timedelta(seconds=59), False),
        (100, timedelta(minutes=1), True),
    ],
)
def test_a_checkpoint_is_due_after_a_hundred_rows_or_an_hour(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller, *, rows: int, waited: timedelta, due: bool
) -> None:
    number = house.organisation.id
    assert checkpoint.is_due(session, number), "the first one is due at once"
    checkpoint.make(session, house.organisation)
    if rows:
        _say(session, house, rows)
    frozen_clock.shift(waited)
    assert checkpoint.is_due(session, number) is due


def test_two_makers_make_one(engine: Engine, session: Session, house: Cafe) -> None:
    _say(session, house, 3)
    session.commit()

    def make(_number: int) -> int:
        with Session(engine.execution_options(listkeeper_writes=True)) as own:
            made = checkpoint.make(own, own.merge(house.organisation, load=True)).size
            own.commit()
            return made

    assert len(set(at_once(4, make))) == 1
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Checkpoint)) == 1


# What contradicts is not signed


def _without_belts(session: Session, statement: str) -> None:
    """Change the ledger as somebody with the database's own rights could."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    names = ("ledger_no_update", "ledger_no_delete") if sqlite else ("ledger_no_change",)
    for name in names:
        session.execute(text(f"DROP TRIGGER {name}" if sqlite else f"ALTER TABLE ledger DISABLE TRIGGER {name}"))
    session.execute(text(statement))
    if not sqlite:
        session.execute(text("ALTER TABLE ledger ENABLE TRIGGER ledger_no_change"))
    session.expire_all()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger SET hash = 'ff' || substr(hash, 3) WHERE seq = (SELECT max(seq) FROM ledger) - 1",
        "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)",
    ],
)
def test_a_ledger_that_was_changed_is_not_signed_over(session: Session, house: Cafe, tampering: str) -> None:
    _say(session, house, 3)
    signed = checkpoint.make(session, house.organisation)
    _without_belts(session, tampering)
    if tampering.startswith("DELETE"):
        end = session.get_one(LedgerHead, house.organisation.id)
        last = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
        end.seq, end.hash = last.seq, last.hash
        session.flush()
    assert not checkpoint.continues(session, signed)
    _say(session, house, 2)
    with pytest.raises(Conflict) as refused:
        checkpoint.make(session, house.organisation)
    assert refused.value.code == "ledger_forked"
    assert checkpoint.newest(session, house.organisation.id) is signed


def test_a_new_epoch_goes_on_behind_the_last_good_checkpoint(session: Session, house: Cafe) -> None:
    good = checkpoint.make(session, house.organisation)
    size, root = good.size, good.root
    _say(session, house, 2)
    checkpoint.make(session, house.organisation)
    _without_belts(session, f"DELETE FROM ledger WHERE seq > {size}")  # noqa: S608 - our own words
    end = session.get_one(LedgerHead, house.organisation.id)
    last = session.scalars(select(LedgerRow).order_by(LedgerRow.seq.desc()).limit(1)).one()
    end.seq, end.hash = last.seq, last.hash
    session.flush()
    ledger.mark_forked(session, house.organisation.id)
    checkpoint.begin_epoch(session, house.organisation, actor="user:1", size=size, root=root)
    assert not ledger.is_forked(session, house.organisation.id)
    _say(session, house)
    after = checkpoint.make(session, house.organisation)
    assert after.size == size + 2, "what the other branch had signed at this size stands in nobody's way"
    assert after.root == auditor.root(_leaves(session)).hex()
    assert [row["details"] for row in _rows(session, EventType.FORKED)] == [{"good_size": size, "good_root": root}]
    assert auditor.faults(session, house.organisation.id) == []


# Keys


def test_a_new_key_is_told_of_signed_by_both_before_it_signs(session: Session, house: Cafe, settings: Settings) -> None:
    before = checkpoint.make(session, house.organisation)
    _another_master(settings, 2)
    after = checkpoint.make(session, house.organisation)
    assert after.public_key != before.public_key
    assert after.size == before.size + 1
    (told,) = _rows(session, EventType.KEY_ROTATED)
    said = told["details"]
    assert isinstance(said, dict)
    assert (said["old_key"], said["new_key"]) == (before.public_key, after.public_key)
    owner = house.organisation.public_id
    message = f"listkeeper/rotate/v1\n{owner}\n{said['old_key']}\n{said['new_key']}\n".encode()
    for which in ("old", "new"):
        _public(said[f"{which}_key"]).verify(base64.b64decode(said[f"{which}_signature"]), message)
        with pytest.raises(InvalidSignature):
            _public(said[f"{which}_key"]).verify(base64.b64decode(said[f"{which}_signature"]), message + b"\n")
    assert checkpoint.make(session, house.organisation) is after
    assert len(_rows(session, EventType.KEY_ROTATED)) == 1


def test_a_receipt_under_a_new_key_rests_on_a_ledger_that_knows_the_key(
    session: Session, house: Cafe, settings: Settings
) -> None:
    written = _say(session, house)
    checkpoint.make(session, house.organisation)
    _another_master(settings, 2)
    note, covered = checkpoint.receipt(session, house.organisation, written.id) or ("", Checkpoint())
    assert len(_rows(session, EventType.KEY_ROTATED)) == 1
    assert signed_note.verify(note, checkpoint.key_name(house.organisation), _public(covered.public_key))


def test_keys_follow_each_other_also_when_one_never_signed(session: Session, house: Cafe, settings: Settings) -> None:
    checkpoint.make(session, house.organisation)
    _another_master(settings, 2)
    _another_master(settings, 3)
    first = checkpoint.make(session, house.organisation)
    _another_master(settings, 4)
    second = checkpoint.make(session, house.organisation)
    told = [row["details"] for row in _rows(session, EventType.KEY_ROTATED)]
    assert [said["new_key"] for said in told if isinstance(said, dict)] == [first.public_key, second.public_key]
    assert isinstance(told[1], dict)
    assert told[1]["old_key"] == first.public_key


def test_a_lost_key_is_not_replaced_silently(session: Session, house: Cafe, settings: Settings) -> None:
    _another_master(settings, 2)
    signed = checkpoint.make(session, house.organisation)
    (settings.key_folder / "master-2.key").unlink()
    keys.open_folder(settings.key_folder)
    written = _say(session, house)
    for act in (
        lambda: checkpoint.make(session, house.organisation),
        lambda: checkpoint.receipt(session, house.organisation, written.id),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "ledger_key_lost"
    checkpoint.begin_epoch(session, house.organisation, actor="user:1", size=signed.size, root=signed.root)
    after = checkpoint.make(session, house.organisation)
    assert after.public_key != signed.public_key
    assert _rows(session, EventType.KEY_ROTATED) == []
    assert [row["details"] for row in _rows(session, EventType.FORKED)] == [
        {"good_size": signed.size, "good_root": signed.root}
    ]


# Receipts


def test_a_receipt_names_the_row_and_the_tree_it_stands_in(session: Session, house: Cafe) -> None:
    cafe.subscribe(session, house, "freja@guest.example")
    given = session.scalars(select(LedgerRow).where(LedgerRow.type == EventType.GIVEN.value)).one()
    note, covered = checkpoint.receipt(session, house.organisation, given.id) or ("", Checkpoint())
    text_of = signed_note.verify(note, checkpoint.key_name(house.organisation), _public(covered.public_key))
    leaf = base64.b64encode(bytes.fromhex(given.hash)).decode()
    root = base64.b64encode(bytes.fromhex(covered.root)).decode()
    assert text_of.split("\n") == [
        "listkeeper/receipt/v1", house.organisation.public_id, given.id, str(given.seq), leaf, str(covered.size), root,
        "",
    ]  # fmt: skip
    path = ledger.tree(session, house.organisation.id, covered.size).inclusion_path(given.seq - 1)
    assert merkle.verify_inclusion(
        bytes.fromhex(given.hash), given.seq - 1, covered.size, path, bytes.fromhex(covered.root)
    )
    assert "freja" not in note


def test_no_receipt_for_what_never_happened(session: Session, house: Cafe) -> None:
    assert checkpoint.receipt(session, house.organisation, "0" * 32) is None
