"""The vault: sealed for one person and one event, opened whole or not at all, and forgotten by destroying a key."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.evidence import Evidence, Piece, SubjectKey
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.foundation import clock, keys
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings
from tests.fakes.at_once import at_once
from tests.makers import auditor
from tests.makers.cafe import Cafe

HERS, HIS = "a" * 32, "b" * 32
SEEN = {"address": "Frøja@guest.example", "network": "192.0.2.1", "received_at": 1_764_000_000_000}


def _keep(session: Session, house: Cafe, subject: str, **content: object) -> ledger.Written:
    told = Event(EventType.GIVEN, subject=subject, evidence=content or SEEN)
    return ledger.append(session, house.organisation.id, [told])[0]


def _opened(session: Session, house: Cafe, subject: str = HERS) -> dict[str, evidence.Opened]:
    return evidence.opened(session, house.organisation.id, subject)


def _everything(session: Session) -> str:
    """Return what the tables of the vault and the ledger hold, as text."""
    found = []
    for table in ("evidence", "subject_key", "ledger"):
        rows = session.execute(text(f"SELECT * FROM {table}")).mappings()  # noqa: S608 - our own words
        found += [bytes(value) if isinstance(value, memoryview) else value for row in rows for value in row.values()]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in found)


def test_what_is_kept_opens_the_ledgers_commitment(session: Session, house: Cafe) -> None:
    written = _keep(session, house, HERS)
    found = _opened(session, house)[written.id]
    assert found.content == SEEN
    body = json.dumps(SEEN, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    said = auditor.records(session, house.organisation.id)[-1]["evidence_commit"]
    assert said == hmac.new(found.salt, body, hashlib.sha256).hexdigest() == evidence.commitment(found.salt, SEEN)
    assert len(found.salt) == 16


def test_nothing_of_it_can_be_read_in_the_database(session: Session, house: Cafe) -> None:
    _keep(session, house, HERS)
    stored = _everything(session)
    assert "guest.example" not in stored
    assert "192.0.2.1" not in stored


def test_the_same_evidence_twice_looks_different(session: Session, house: Cafe) -> None:
    """Otherwise a commitment could be guessed by committing to the same again."""
    first, second = (_keep(session, house, HERS) for _ in range(2))
    found = _opened(session, house)
    assert found[first.id].salt != found[second.id].salt
    commitments = [said["evidence_commit"] for said in auditor.records(session, house.organisation.id)[-2:]]
    assert len(set(commitments)) == 2
    assert len(set(session.scalars(select(Evidence.sealed)))) == 2


def test_one_person_has_one_key_and_another_has_another(session: Session, house: Cafe) -> None:
    before = session.scalar(select(func.count()).select_from(SubjectKey)) or 0
    told = [Event(EventType.GIVEN, subject=subject, evidence=SEEN) for subject in (HERS, HIS, HERS)]
    ledger.append(session, house.organisation.id, told)
    _keep(session, house, HERS)
    assert session.scalar(select(func.count()).select_from(SubjectKey)) == before + 2
    assert (len(_opened(session, house)), len(_opened(session, house, HIS))) == (3, 1)


@pytest.mark.parametrize("place", [0, 12, 20, -1])
def test_a_changed_byte_is_noticed(session: Session, house: Cafe, place: int) -> None:
    written = _keep(session, house, HERS)
    row = session.get_one(Evidence, written.id)
    changed = bytearray(row.sealed)
    changed[place] ^= 1
    row.sealed = bytes(changed)
    session.flush()
    with pytest.raises(Invalid) as refused:
        _opened(session, house)
    assert refused.value.code == "evidence_damaged"


def test_evidence_of_two_events_cannot_be_swapped(session: Session, house: Cafe) -> None:
    first, second = _keep(session, house, HERS, a="1"), _keep(session, house, HERS, a="2")
    sealed = session.get_one(Evidence, first.id).sealed
    session.execute(update(Evidence).where(Evidence.event_id == second.id).values(sealed=sealed))
    session.expire_all()
    with pytest.raises(Invalid):
        _opened(session, house)


def test_a_key_of_one_organisation_opens_nothing_of_another(session: Session, house: Cafe) -> None:
    _keep(session, house, HERS)
    with pytest.raises(Invalid):
        evidence.opened(session, house.organisation.id + 1, HERS)


def test_evidence_of_nobody_is_refused(session: Session, house: Cafe) -> None:
    with pytest.raises(ValueError, match="somebody"):
        evidence.seal(session, house.organisation.id, [Piece("1" * 32, "", SEEN)])


@pytest.mark.parametrize("content", [{"a": 1.5}, {"a": None}, {"a": True}])
def test_what_could_be_read_two_ways_is_not_kept(session: Session, house: Cafe, content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        evidence.seal(session, house.organisation.id, [Piece("1" * 32, HERS, content)])


# Forgetting


def test_destroying_the_key_leaves_noise_in_every_copy(session: Session, house: Cafe) -> None:
    written = _keep(session, house, HERS)
    his = _keep(session, house, HIS)
    copied = session.get_one(Evidence, written.id).sealed
    evidence.destroy(session, HERS)
    assert _opened(session, house) == {}
    assert session.get(Evidence, written.id) is None
    assert set(_opened(session, house, HIS)) == {his.id}
    left = session.get_one(SubjectKey, HERS)
    assert (left.wrapped, left.destroyed_at is None) == (None, False)
    for key in keys.secrets_of(f"vault:{house.organisation.id}"):
        with pytest.raises(Exception, match=r"^$"):
            AESGCM(key).decrypt(copied[:12], copied[12:], written.id.encode())
    assert auditor.faults(session, house.organisation.id) == []


def test_who_was_forgotten_gets_no_key_again(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    _keep(session, house, HERS)
    evidence.destroy(session, HERS)
    first = session.get_one(SubjectKey, HERS).destroyed_at
    frozen_clock.shift(timedelta(hours=1))
    evidence.destroy(session, HERS)
    assert session.get_one(SubjectKey, HERS).destroyed_at == first
    with pytest.raises(Invalid) as refused:
        _keep(session, house, HERS)
    assert refused.value.code == "subject_forgotten"


def test_forgetting_somebody_unknown_is_no_fault(session: Session, house: Cafe) -> None:
    evidence.destroy(session, HERS)
    assert session.get(SubjectKey, HERS) is None


# Retention


def test_evidence_goes_when_its_time_is_over_and_not_before(
    session: Session, house: Cafe, frozen_clock: time_machine.Traveller
) -> None:
    hers, his = _keep(session, house, HERS), _keep(session, house, HIS)
    evidence.limit(session, HERS, clock.now() + timedelta(days=1))
    frozen_clock.shift(timedelta(days=1, milliseconds=-1))
    assert evidence.shred_due(session) == {}
    frozen_clock.shift(timedelta(milliseconds=1))
    assert evidence.shred_due(session) == {house.organisation.id: 1}
    session.expire_all()
    assert session.get(Evidence, hers.id) is None
    assert session.get(Evidence, his.id) is not None
    assert evidence.shred_due(session) == {}


def test_who_comes_back_keeps_her_evidence(session: Session, house: Cafe) -> None:
    _keep(session, house, HERS)
    evidence.limit(session, HERS, clock.now())
    evidence.limit(session, HERS, None)
    assert evidence.shred_due(session) == {}
    assert len(_opened(session, house)) == 1


def test_no_more_than_a_batch_is_shredded_at_once(session: Session, house: Cafe) -> None:
    for _ in range(5):
        _keep(session, house, HERS)
    evidence.limit(session, HERS, clock.now())
    counted = [evidence.shred_due(session, most=2).get(house.organisation.id, 0) for _ in range(4)]
    assert counted == [2, 2, 1, 0]


def test_two_workers_count_each_piece_once(engine: Engine, session: Session, house: Cafe) -> None:
    for _ in range(20):
        _keep(session, house, HERS)
    evidence.limit(session, HERS, clock.now())
    session.commit()

    def shred(_number: int) -> int:
        with Session(engine.execution_options(listkeeper_writes=True)) as own:
            counted = evidence.shred_due(own)
            own.commit()
            return sum(counted.values())

    assert sum(at_once(3, shred)) == 20


# Keys


def test_a_second_master_key_opens_what_the_first_one_sealed(session: Session, house: Cafe, settings: Settings) -> None:
    old = _keep(session, house, HERS, a="1")
    (settings.key_folder / "master-2.key").write_bytes(hashlib.sha256(b"2").digest())
    keys.open_folder(settings.key_folder)
    new = _keep(session, house, HERS, a="2")
    _keep(session, house, HIS, a="3")
    found = _opened(session, house)
    assert (found[old.id].content, found[new.id].content) == ({"a": "1"}, {"a": "2"})
    shutil.copy(settings.key_folder / "master-2.key", settings.key_folder / "master-1.key")
    keys.open_folder(settings.key_folder)
    assert len(_opened(session, house, HIS)) == 1
    with pytest.raises(Invalid) as refused:
        _opened(session, house)
    assert refused.value.code == "cannot_unseal"
