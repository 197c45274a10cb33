"""Cases 29 and 30: keys that change, are lost or are not ours; writers that meet, die, or leave half behind."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.audience import confirmation, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.proof import checkpoint, fold, ledger, ledger_audit, proof_bundle
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import keys
from listkeeper.foundation.errors import Conflict
from listkeeper.settings import Settings
from listkeeper.standards import proof as verifier
from listkeeper.standards import signed_note
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import attack, auditor, cafe
from tests.makers.bundle_files import BundleFiles
from tests.makers.cafe import Cafe
from tests.makers.works import HER, Works, here, writing

BO = "bo@guest.example"


# Case 29: keys


@pytest.fixture
def house(session: Session) -> Cafe:
    """A café with one person and a checkpoint."""
    made = cafe.found(session)
    cafe.subscribe(session, made, HER)
    checkpoint.make(session, made.organisation)
    session.commit()
    return made


def _rotate(settings: Settings) -> None:
    keys.add(settings.key_folder)
    keys.open_folder(settings.key_folder, may_make=False)


def _more(session: Session, house: Cafe, who: str) -> None:
    cafe.subscribe(session, house, who)
    checkpoint.make(session, house.organisation)


def _bundle(session: Session, house: Cafe) -> BundleFiles:
    out = io.BytesIO()
    proof_bundle.ledger_bundle(session, house.organisation, out)
    return BundleFiles(out.getvalue())


def _verified(bundle: BundleFiles, folder: Path, key: str = "", *witnesses: Path) -> set[str]:
    path = bundle.packed(folder / "bundle.zip")
    report = verifier.check(path, base64.b64decode(key) if key else None, witnesses)
    options = (["--key", key] if key else []) + [word for one in witnesses for word in ("--witness", str(one))]
    assert verifier.main([str(path), *options]) == (0 if report["true"] else 1)
    return {one["code"] for one in report["findings"]}


def _newest_key(house: Cafe) -> str:
    return checkpoint.public_text(keys.ledger(house.organisation.public_id)[0].public_key())


def test_case_29_two_keys_of_one_owner_are_both_believed(
    session: Session, house: Cafe, settings: Settings, tmp_path: Path
) -> None:
    first = _newest_key(house)
    kept = tmp_path / "kept.txt"
    kept.write_text(checkpoint.make(session, house.organisation).note)
    for turn in ("bo", "cleo"):
        _rotate(settings)
        _more(session, house, f"{turn}@guest.example")
    assert first != _newest_key(house)
    bundle = _bundle(session, house)
    # By the newest key, by the oldest, which signed for its follower, and against a note of the oldest.
    assert _verified(bundle, tmp_path, _newest_key(house), kept) == set()
    assert _verified(bundle, tmp_path, first) == set()
    assert ledger_audit.check(session, house.organisation).faults == []
    rotations = [one for one in auditor.records(session, house.organisation.id) if one["type"] == "key.rotated"]
    assert len(rotations) == 2


def test_case_29_a_stranger_calls_his_key_the_next_one(
    session: Session, house: Cafe, settings: Settings, tmp_path: Path
) -> None:
    """He signs the checkpoint, and offers his key as the newest; nobody signed for it."""
    _rotate(settings)
    _more(session, house, BO)
    true, own = _bundle(session, house), _newest_key(house)
    stranger = Ed25519PrivateKey.generate()
    name = checkpoint.key_name(house.organisation)
    text_ = signed_note.verify(
        true.files["checkpoint.txt"].decode(), name, keys.ledger(house.organisation.public_id)[0].public_key()
    )
    true.files["checkpoint.txt"] = signed_note.sign(text_, name, stranger).encode()
    entry = {"name": name, "public_key": checkpoint.public_text(stranger.public_key())}
    true.change("keys.json", lambda found: {"keys": [entry, *found["keys"]]})
    assert "wrong_key" in _verified(true, tmp_path, own)
    assert _verified(true, tmp_path) & {"wrong_key", "bad_checkpoint"}


def test_case_29_a_lost_key_is_not_quietly_replaced(session: Session, house: Cafe, settings: Settings) -> None:
    before = _newest_key(house)
    _rotate(settings)
    (settings.key_folder / "master-1.key").rename(settings.data / "lost.key")
    keys.open_folder(settings.key_folder, may_make=False)
    cafe.subscribe(session, house, BO)
    with pytest.raises(Conflict) as refused:
        checkpoint.make(session, house.organisation)
    assert refused.value.code == "ledger_key_lost"
    newest = checkpoint.newest(session, house.organisation.id)
    assert newest is not None
    assert newest.public_key == before
    assert newest.size < ledger.size(session, house.organisation.id)
    assert not any(one["type"] == "key.rotated" for one in auditor.records(session, house.organisation.id))
    # Rows and what the lost key signed are checked still; her vault does not open, and that is told of each piece.
    audit = ledger_audit.check(session, house.organisation)
    assert {one.code for one in audit.faults} == {"swapped_evidence"}
    assert len(audit.faults) == 2


def test_case_29_a_ruined_key_of_one_person_hides_nothing_else(session: Session, house: Cafe) -> None:
    session.execute(text("UPDATE subject_key SET wrapped = :ruin"), {"ruin": b"ruined" * 10})
    session.execute(text("UPDATE consent_text SET body = 'Everything. Café Kardemomme'"))
    session.expire_all()
    found = [one.code for one in ledger_audit.check(session, house.organisation).faults]
    assert sorted(found) == ["edited_text", "swapped_evidence", "swapped_evidence"]


def test_case_29_another_owners_key_proves_nothing(session: Session, house: Cafe, tmp_path: Path) -> None:
    bundle = _bundle(session, house)
    other = checkpoint.public_text(Ed25519PrivateKey.generate().public_key())
    assert _verified(bundle, tmp_path, _newest_key(house)) == set()
    assert "wrong_key" in _verified(bundle, tmp_path, other)
    session.execute(text("UPDATE checkpoint SET public_key = :other"), {"other": other})
    session.expire_all()
    assert {one.code for one in ledger_audit.check(session, house.organisation).faults} == {"bad_checkpoint"}


# Case 30: writers


def test_case_30_two_workers_append_at_once(app: Flask, database: Database) -> None:
    del database
    with app.app_context(), store.transaction() as session:
        owner = cafe.found(session).organisation.id

    def append(number: int) -> list[int]:
        written = []
        for turn in range(5):
            with writing(app) as session:
                said = [
                    Event(EventType.SUPPRESSED, subject=f"{number:032x}", details={"turn": turn, "of": k})
                    for k in range(3)
                ]
                written += [one.seq for one in ledger.append(session, owner, said)]
        return written

    taken = at_once(4, append)
    numbers = sorted(seq for mine in taken for seq in mine)
    with writing(app) as session:
        # What the café wrote at its founding stands before them; there is no gap and no number twice.
        first = ledger.size(session, owner) - 60
        assert numbers == list(range(first + 1, first + 61))
        assert auditor.faults(session, owner) == []
        assert ledger_audit.check(session, here(session).organisation).faults == []


# Says yes for her and stands still before the commit; the test kills it there.
_DYING = """
import sys, time
from pathlib import Path
from sqlalchemy.orm import Session
from listkeeper import store
from listkeeper.audience import answering
from listkeeper.foundation import keys
from tests.fakes.databases import Database
store.load_tables()
kind, url, folder, token = sys.argv[1:]
keys.open_folder(Path(folder), may_make=False)
with Session(Database(kind, url).engine()) as session:
    session.connection(execution_options={"listkeeper_writes": True})
    assert answering.confirm(session, token).answer.value == "confirmed"
    session.flush()
    print("written", flush=True)
    time.sleep(60)
"""


def test_case_30_killed_between_ledger_and_projection(works: Works, database: Database, settings: Settings) -> None:
    told: list[str] = []
    works.write(lambda session, house: told.append(confirmation.token_of(cafe.sign_up(session, house, HER))))
    before = attack.state(works.app)
    with subprocess.Popen(
        [sys.executable, "-c", _DYING, database.kind, database.url, str(settings.key_folder), told[0]],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True,
    ) as dying:  # fmt: skip
        assert dying.stdout is not None
        assert dying.stdout.readline().strip() == "written"
        dying.kill()
    assert attack.state(works.app) == before
    # Nothing is in the way of the same yes, and it takes the very next number.
    assert works.app.test_client().post(f"/c/{told[0]}").status_code == 200
    assert attack.standing(works.app, works.list_id) == {HER: "confirmed"}
    assert works.read(lambda session: auditor.faults(session, here(session).organisation.id)) == []


def _heal(works: Works) -> list[tuple[str | None, str | None]]:
    done: list[tuple[str | None, str | None]] = []

    def act(session: Session, house: Cafe) -> None:
        done.extend((one.was, one.now) for one in fold.heal(session, house.organisation))

    works.write(act)
    return done


def test_case_30_a_projection_that_was_lost_heals(works: Works) -> None:
    for name in ("anna", "bo", "cleo"):
        works.write(lambda session, house, name=name: cafe.subscribe(session, house, f"{name}@guest.example"))  # type: ignore[misc]
    works.write(lambda session, house: _leave(session, house, "cleo@guest.example"))
    rightly = attack.standing(works.app, works.list_id)
    assert _heal(works) == []

    def lose(session: Session, _house: Cafe) -> None:
        numbers = session.scalars(text("SELECT id FROM subscription ORDER BY id")).all()
        session.execute(delete(Subscription).where(Subscription.id == numbers[0]))
        session.execute(
            update(Subscription).where(Subscription.id == numbers[1]).values(state=SubscriptionState.UNSUBSCRIBED)
        )
        # Somebody brought back whom the ledger saw leave.
        session.execute(
            update(Subscription)
            .where(Subscription.id == numbers[2])
            .values(state=SubscriptionState.CONFIRMED, basis=Basis.CONSENT)
        )

    works.write(lose)
    assert attack.standing(works.app, works.list_id) != rightly
    assert len(_heal(works)) == 3
    assert attack.standing(works.app, works.list_id) == rightly
    assert _heal(works) == []


def _leave(session: Session, house: Cafe, who: str) -> None:
    number = session.scalar(text("SELECT id FROM subscriber WHERE email_key = :who"), {"who": who})
    assert number is not None
    unsubscribe.leave(session, number, house.mailing_list.id, Method.ONE_CLICK)


def test_case_30_what_is_taken_back_takes_its_ledger_rows_with_it(works: Works) -> None:
    """A fault after the row was written and before the commit: neither the row nor what it says is there."""
    before = attack.state(works.app)

    def half(session: Session, house: Cafe) -> None:
        cafe.subscribe(session, house, HER)
        session.flush()
        assert json.loads(session.scalars(text("SELECT record FROM ledger ORDER BY seq DESC")).first() or "{}")
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        works.write(half)
    assert attack.state(works.app) == before
    works.write(lambda session, house: cafe.subscribe(session, house, HER))
    assert works.read(lambda session: auditor.faults(session, here(session).organisation.id)) == []
