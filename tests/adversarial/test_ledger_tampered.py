"""Cases 27 and 28: whoever has the database in hand can change it, and cannot do so unseen."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from listkeeper.audience.proof import checkpoint, ledger, ledger_audit, proof_bundle, witness
from listkeeper.audience.proof import journal as journals
from listkeeper.foundation import keys
from listkeeper.settings import Settings
from listkeeper.standards import merkle, signed_note
from listkeeper.standards import proof as verifier
from tests.fakes.databases import Database
from tests.makers import cafe
from tests.makers.bundle_files import BundleFiles
from tests.makers.cafe import Cafe

_COLUMNS = ("organisation_id", "seq", "id", "at", "type", "subject", "record", "hash", "prev")


@dataclass
class Scene:
    """A café whose ledger somebody wants to change, and what others have kept of it."""

    session: Session
    house: Cafe
    kind: str
    journal: Path
    # The newest checkpoint, as a subscriber got it with her receipt.
    kept: Path

    @property
    def owner(self) -> int:
        """Whose ledger."""
        return self.house.organisation.id

    def sql(self, statement: str, **values: object) -> None:
        """Do something past the program."""
        self.session.execute(text(statement), values)

    def rows(self) -> list[dict[str, object]]:
        """Return what is in the table."""
        found = self.session.execute(text(f"SELECT {', '.join(_COLUMNS)} FROM ledger ORDER BY seq"))  # noqa: S608
        return [dict(row) for row in found.mappings()]

    def own_codes(self) -> set[str]:
        """Return what listkeeper's own check finds."""
        self.session.flush()
        self.session.expire_all()
        return {fault.code for fault in ledger_audit.check(self.session, self.house.organisation).faults}

    def bundle(self) -> BundleFiles:
        """Return the whole ledger as it would be handed out now."""
        out = io.BytesIO()
        proof_bundle.ledger_bundle(self.session, self.house.organisation, out)
        return BundleFiles(out.getvalue())

    def verified(self, bundle: BundleFiles, *witnesses: Path) -> tuple[int, set[str]]:
        """Run ``listkeeper-verify`` on a bundle; return its exit code and what it found."""
        path = bundle.packed(self.kept.with_name("bundle.zip"))
        report = verifier.check(path, None, witnesses)
        code = verifier.main([str(path), *(word for one in witnesses for word in ("--witness", str(one)))])
        return code, {one["code"] for one in report["findings"]}

    def replace_all(self, rows: list[dict[str, object]]) -> None:
        """Put these rows in place of all there are."""
        names = ", ".join(f":{name}" for name in _COLUMNS)
        self.sql("DELETE FROM ledger")
        for row in rows:
            self.sql(f"INSERT INTO ledger ({', '.join(_COLUMNS)}) VALUES ({names})", **row)  # noqa: S608 - our own words

    def turn_head(self) -> None:
        """Let the head, and the checkpoints here, fit whatever rows there are: somebody thorough was at work."""
        last = self.rows()[-1]
        self.sql("UPDATE ledger_head SET seq = :seq, hash = :hash", seq=last["seq"], hash=last["hash"])
        self.sql("DELETE FROM checkpoint")


@pytest.fixture
def scene(session: Session, database: Database, settings: Settings, tmp_path: Path) -> Scene:
    """A café with three people; the journal and a subscriber have its newest checkpoint."""
    house = cafe.found(session)
    for name in ("anna", "bo", "cleo"):
        cafe.subscribe(session, house, f"{name}@guest.example")
    newest = checkpoint.make(session, house.organisation)
    session.commit()
    while journals.is_waiting(session):
        journals.write_down(session, settings.journal_folder)
        session.commit()
    kept = tmp_path / "kept.txt"
    kept.write_text(newest.note)
    made = Scene(session, house, database.kind, settings.journal_folder, kept)
    assert made.own_codes() == set()
    assert made.verified(made.bundle(), kept) == (0, set())
    return made


def _drop_triggers(scene: Scene) -> None:
    if scene.kind == "sqlite":
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_in_order"):
            scene.sql(f"DROP TRIGGER {name}")
    else:
        scene.sql("ALTER TABLE ledger DISABLE TRIGGER USER")


# Case 27


def test_case_27_words_changed_behind_the_program(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.sql("UPDATE consent_text SET body = 'You agreed to everything, for ever. Café Kardemomme'")
    assert scene.own_codes() == {"edited_text"}
    [fault] = ledger_audit.check(scene.session, scene.house.organisation).faults
    assert "text en-1" in fault.sentence
    sha256 = str(scene.session.scalar(text("SELECT sha256 FROM consent_text")))
    code, found = scene.verified(scene.bundle())
    assert (code, "edited_text" in found) == (1, True)
    assert sha256 in capsys.readouterr().out


def test_case_27_words_changed_with_their_name(scene: Scene) -> None:
    """The name is made to fit the new words; the rows of the ledger still cite the old one."""
    scene.sql("UPDATE consent_text SET body = 'Everything, for ever. Café Kardemomme'")
    scene.session.expire_all()
    words = scene.session.scalars(text("SELECT sha256 FROM consent_text")).one()
    scene.sql("UPDATE consent_text SET sha256 = :name", name=merkle.leaf_hash(b"forged").hex())
    assert scene.own_codes() >= {"missing_text"}
    code, found = scene.verified(scene.bundle())
    assert code == 1
    assert found & {"missing_text", "edited_text"}, words


# Case 28: each attack alone, first with the triggers in place, then without them


def _forged(row: dict[str, object], **said: object) -> dict[str, object]:
    """Return a row that says something else, with columns and a hash that fit."""
    record = json.loads(str(row["record"])) | said
    written = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    columns = {name: said[name] for name in ("seq", "prev", "id") if name in said}
    return row | columns | {"record": written, "hash": merkle.leaf_hash(written.encode()).hex()}


def _edit(scene: Scene) -> None:
    """Let somebody else have asked, with a hash that fits."""
    row = _forged(scene.rows()[3], actor="user:1")
    scene.sql("UPDATE ledger SET record = :record, hash = :hash WHERE seq = 4", record=row["record"], hash=row["hash"])


def _edit_plainly(scene: Scene) -> None:
    scene.sql('UPDATE ledger SET record = replace(record, \'"actor":"\', \'"actor":"x\') WHERE seq = 4')


def _delete(scene: Scene) -> None:
    scene.sql("DELETE FROM ledger WHERE seq = 4")


def _reorder(scene: Scene) -> None:
    """Let two rows change places; the numbers stay in order."""
    rows = scene.rows()
    rows[3], rows[4] = rows[4] | {"seq": rows[3]["seq"]}, rows[3] | {"seq": rows[4]["seq"]}
    scene.replace_all(rows)


def _truncate(scene: Scene) -> None:
    scene.sql("DELETE FROM ledger WHERE seq > (SELECT max(seq) FROM ledger) - 2")


def _rewrite(scene: Scene) -> None:
    """Leave out a row and write all that follow anew, each with a hash and a row before that fit."""
    rows: list[dict[str, object]] = []
    for seq, row in enumerate((one for one in scene.rows() if one["seq"] != 4), 1):
        rows.append(_forged(row, seq=seq, prev=rows[-1]["hash"] if rows else ""))
    scene.replace_all(rows)


def _replace(scene: Scene, row: dict[str, object]) -> None:
    names = ", ".join(f":{name}" for name in _COLUMNS)
    scene.sql(f"INSERT OR REPLACE INTO ledger ({', '.join(_COLUMNS)}) VALUES ({names})", **row)  # noqa: S608 - our own words


def _replace_by_number(scene: Scene) -> None:
    """Put another row in the place of an old one."""
    _replace(scene, _forged(scene.rows()[3], actor="user:1", id="f" * 32))


def _replace_by_id(scene: Scene) -> None:
    """Name the right next number and the right row before, with the id of an older row: SQLite drops that one."""
    rows = scene.rows()
    _replace(scene, _forged(rows[3], seq=len(rows) + 1, prev=rows[-1]["hash"]))


Attack = Callable[[Scene], None]
# What our own check must find, and what anybody's ``listkeeper-verify`` must.
_ATTACKS: list[tuple[Attack, str, str]] = [
    (_edit, "edited_record", "edited_record"),
    (_edit_plainly, "edited_record", "edited_record"),
    (_delete, "removed_row", "removed_row"),
    (_reorder, "edited_record", "reordered_rows"),
    (_truncate, "truncated_tail", "truncated_tail"),
    (_rewrite, "truncated_tail", "truncated_tail"),
    (_replace_by_number, "edited_record", "edited_record"),
    (_replace_by_id, "removed_row", "removed_row"),
]
# PostgreSQL has no INSERT OR REPLACE.
_ONLY_SQLITE = {_replace_by_number, _replace_by_id}
_EACH = [
    pytest.param(*row, id=row[0].__name__, marks=[pytest.mark.only_on("sqlite")] if row[0] in _ONLY_SQLITE else [])
    for row in _ATTACKS
]


def test_case_28_with_its_triggers_the_ledger_is_not_changed(scene: Scene) -> None:
    before = scene.rows()
    for attack, _, _ in _ATTACKS:
        if attack in _ONLY_SQLITE and scene.kind != "sqlite":
            continue
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            attack(scene)
        scene.session.rollback()
        assert scene.rows() == before, attack
    assert scene.own_codes() == set()


@pytest.mark.parametrize(("attack", "own", "others"), _EACH)
def test_case_28_without_its_triggers_every_change_is_found(
    scene: Scene, attack: Attack, own: str, others: str
) -> None:
    true = scene.bundle()
    _drop_triggers(scene)
    attack(scene)
    assert own in scene.own_codes()
    # The rows as they are now, handed out under the checkpoint that was signed before.
    code, found = scene.verified(_with_rows(true, scene.rows()), scene.kept)
    assert (code, others in found) == (1, True), found


def _with_rows(true: BundleFiles, rows: list[dict[str, object]]) -> BundleFiles:
    true.files["ledger.jsonl"] = b"".join(str(row["record"]).encode() + b"\n" for row in rows)
    return true


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("attack", ["by seq", "by id"])
def test_case_28_replacing_in_the_shell_of_sqlite(scene: Scene, recursive: str, attack: str) -> None:
    """The shell sets none of our pragmas, and somebody may set them otherwise."""
    rows = scene.rows()
    said = {"id": "f" * 32} if attack == "by seq" else {"seq": len(rows) + 1, "prev": rows[-1]["hash"]}
    row = _forged(rows[3], **said)
    scene.session.commit()
    shell = sqlite3.connect(str(scene.session.get_bind().engine.url.database), isolation_level=None)
    shell.execute(f"PRAGMA recursive_triggers={recursive}")
    marks = ", ".join("?" for _ in _COLUMNS)
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        shell.execute(
            f"INSERT OR REPLACE INTO ledger ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608 - our own words
            [row[name] for name in _COLUMNS],
        )
    shell.close()
    assert scene.rows() == rows


# What only a witness knows: all that lies in the database fits


def _signed_anew(scene: Scene) -> None:
    """Let somebody with the owner's own key sign what is left."""
    owner = scene.house.organisation
    checkpoint.make(scene.session, owner)
    scene.session.flush()


def test_case_28_a_tail_cut_off_by_somebody_thorough(scene: Scene) -> None:
    _drop_triggers(scene)
    _truncate(scene)
    scene.turn_head()
    scene.session.expire_all()
    _signed_anew(scene)
    assert scene.own_codes() == set(), "nothing in the database itself contradicts it any more"
    _only_the_witness_knows(scene, "truncated_tail")


def test_case_28_a_history_written_anew_by_somebody_with_the_key(scene: Scene) -> None:
    _drop_triggers(scene)
    _rewrite(scene)
    rows = scene.rows()
    scene.turn_head()
    scene.session.expire_all()
    # As long as before, so that its size alone says nothing.
    cafe.subscribe(scene.session, scene.house, "dora@guest.example")
    assert len(scene.rows()) >= len(rows) + 1
    _signed_anew(scene)
    _only_the_witness_knows(scene, "forked")


def _only_the_witness_knows(scene: Scene, code: str) -> None:
    bundle = scene.bundle()
    assert scene.verified(bundle, scene.kept) == (1, {code})
    # The journal beside the database is such a witness.
    assert witness.forked(scene.session, scene.journal) == [scene.house.organisation]


def test_case_28_yesterdays_backup_restored(scene: Scene, tmp_path: Path) -> None:
    """The rows, the head, the tiles and the checkpoints of yesterday are all true, and no longer the last word."""
    yesterday = {name: _table(scene, name) for name in ("ledger", "ledger_head", "checkpoint")}
    cafe.subscribe(scene.session, scene.house, "dora@guest.example")
    newest = checkpoint.make(scene.session, scene.house.organisation)
    scene.session.commit()
    while journals.is_waiting(scene.session):
        journals.write_down(scene.session, scene.journal)
        scene.session.commit()
    kept = tmp_path / "today.txt"
    kept.write_text(newest.note)
    assert scene.verified(scene.bundle(), kept) == (0, set())
    _drop_triggers(scene)
    for name in ("ledger", "ledger_head", "checkpoint"):
        scene.sql(f"DELETE FROM {name}")  # noqa: S608 - our own words
        for row in yesterday[name]:
            names = ", ".join(row)
            marks = ", ".join(f":{column}" for column in row)
            scene.sql(f"INSERT INTO {name} ({names}) VALUES ({marks})", **row)  # noqa: S608 - our own words
    scene.session.expire_all()
    assert scene.own_codes() == set(), "a backup is true in itself"
    assert scene.verified(scene.bundle()) == (0, set())
    assert scene.verified(scene.bundle(), scene.kept) == (0, set())
    scene.kept = kept
    _only_the_witness_knows(scene, "truncated_tail")


def _table(scene: Scene, name: str) -> list[dict[str, object]]:
    rows = scene.session.execute(text(f"SELECT * FROM {name}"))  # noqa: S608 - our own words
    return [dict(row) for row in rows.mappings()]


def test_case_28_a_checkpoint_signed_over_another_ledger(scene: Scene) -> None:
    """The newest key, the right size, and a root of one's own."""
    owner = scene.house.organisation
    size = ledger.size(scene.session, scene.owner)
    note = signed_note.checkpoint(checkpoint.origin(owner), size, b"\7" * 32)
    forged = signed_note.sign(note, checkpoint.key_name(owner), keys.ledger(owner.public_id)[0])
    scene.sql("UPDATE checkpoint SET note = :note, root = :root", note=forged, root="07" * 32)
    assert scene.own_codes() == {"bad_checkpoint"}
