"""The ledger: one chain that only grows, with seat-belts in the database and writers that take turns."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.proof import evidence, ledger
from listkeeper.audience.proof.ledger import Event, EventType, LedgerHead, LedgerRow
from listkeeper.foundation import clock, ids, keys
from listkeeper.foundation.errors import Invalid
from listkeeper.settings import Settings
from tests.fakes import databases
from tests.fakes.at_once import at_once
from tests.fakes.databases import Database
from tests.makers import auditor

HERS, HIS = "a" * 32, "b" * 32
_COLUMNS = "organisation_id, seq, id, at, type, subject, record, hash, prev"


@pytest.fixture
def owner(session: Session) -> int:
    """An organisation whose ledger is empty."""
    return _owner(session)


def _owner(session: Session) -> int:
    made = Organisation(
        legal_name="Café Kardemomme", postal_address="Havnegade 1", from_name="Café", language="en",
        from_address="hello@cafe.example",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def _say(session: Session, owner: int, *subjects: str, kind: EventType = EventType.GIVEN) -> list[ledger.Written]:
    return ledger.append(session, owner, [Event(kind, subject=subject) for subject in subjects])


# The chain


def test_each_row_names_the_one_before(session: Session, owner: int) -> None:
    written = _say(session, owner, HERS) + _say(session, owner, HIS, "", HERS) + _say(session, owner, HIS)
    assert auditor.faults(session, owner) == []
    said = auditor.records(session, owner)
    assert [row["seq"] for row in said] == [1, 2, 3, 4, 5]
    assert [row["id"] for row in said] == [row.id for row in written]
    assert [row["supersedes"] for row in said] == ["", "", "", written[0].id, written[1].id]
    assert said[0]["prev"] == ""
    assert len({row["org"] for row in said}) == 1


def test_a_row_says_all_and_holds_only_text_and_whole_numbers(session: Session, owner: int) -> None:
    full = Event(
        EventType.GIVEN, HERS, "lst_1", "newsletter", "consent", "t" * 64, "f" * 64, "m" * 64, "button", "subscriber",
        clock.now(), {"asked_at": 5, "why": "æ🥐"}, {"network": "192.0.2.1", "browser": "Test"},
    )  # fmt: skip
    ledger.append(session, owner, [full])
    (said,) = auditor.records(session, owner)
    assert set(said) == auditor.FIELDS
    assert {type(value) for name, value in said.items() if name != "details"} == {str, int}
    assert said["details"] == {"asked_at": 5, "why": "æ🥐"}
    assert len(said["evidence_commit"]) == 64
    assert "192.0.2.1" not in session.scalars(select(LedgerRow.record)).one()


@pytest.mark.parametrize("value", [0.5, None, True, 2**53, "\ud800", [1.0]])
def test_what_could_be_read_two_ways_is_not_written(session: Session, owner: int, value: object) -> None:
    _say(session, owner, HERS)
    with pytest.raises(ValueError, match=r"."), session.begin_nested():
        ledger.append(session, owner, [Event(EventType.GIVEN, details={"x": value})])  # type: ignore[dict-item]
    assert auditor.faults(session, owner) == []
    assert ledger.size(session, owner) == 1


def test_nothing_to_say_writes_nothing(session: Session, owner: int) -> None:
    assert ledger.append(session, owner, []) == []
    assert ledger.head(session, owner) is None
    assert ledger.size(session, owner) == 0
    assert ledger.tree(session, owner).root() == auditor.root([])


def test_what_is_taken_back_leaves_no_gap(session: Session, owner: int) -> None:
    _say(session, owner, HERS)
    with session.begin_nested() as point:
        _say(session, owner, HIS, HIS)
        point.rollback()
    _say(session, owner, HIS)
    assert auditor.faults(session, owner) == []
    assert ledger.size(session, owner) == 2


def test_two_organisations_have_two_ledgers(session: Session, owner: int) -> None:
    second = Organisation(
        legal_name="Bageri", postal_address="1", from_name="B", language="da", from_address="hej@bageri.example"
    )
    session.add(second)
    session.flush()
    for _ in range(3):
        _say(session, owner, HERS)
        _say(session, second.id, HIS, HIS)
    assert auditor.faults(session, owner) == auditor.faults(session, second.id) == []
    assert [ledger.size(session, one) for one in (owner, second.id)] == [3, 6]


@pytest.mark.parametrize("sizes", [(255, 1, 1), (600,), (1, 511, 1), (256, 256)])
def test_a_tree_by_tiles_is_the_tree_of_the_rows(session: Session, owner: int, sizes: tuple[int, ...]) -> None:
    for count in sizes:
        _say(session, owner, *[HERS] * count)
    assert auditor.faults(session, owner) == []
    leaves = [bytes.fromhex(found) for found in session.scalars(select(LedgerRow.hash).order_by(LedgerRow.seq))]
    for size in {0, 1, 255, 256, 257, sum(sizes)} & set(range(sum(sizes) + 1)):
        assert ledger.tree(session, owner, size).root() == auditor.root(leaves[:size])


def test_evidence_of_somebody_forgotten_is_refused_and_nothing_is_written(session: Session, owner: int) -> None:
    told = Event(EventType.GIVEN, subject=HERS, evidence={"a": "1"})
    ledger.append(session, owner, [told])
    evidence.destroy(session, HERS)
    with pytest.raises(Invalid) as refused, session.begin_nested():
        ledger.append(session, owner, [Event(EventType.GIVEN, subject=HIS), told])
    assert refused.value.code == "subject_forgotten"
    assert ledger.size(session, owner) == 1


# The clock


def test_a_clock_set_back_breaks_nothing_and_is_told(
    session: Session, owner: int, frozen_clock: time_machine.Traveller
) -> None:
    first = _say(session, owner, HERS)[0]
    frozen_clock.shift(timedelta(days=-1))
    back = _say(session, owner, HERS, HIS)
    assert [row.at for row in back] == [first.at, first.at]
    said = auditor.records(session, owner)
    assert [row["type"] for row in said] == ["consent.given", "clock.skew", "consent.given", "consent.given"]
    assert said[1]["details"] == {"behind_ms": 86_400_000}
    assert [row.seq for row in back] == [3, 4], "the caller learns of its own rows, not of the clock's"
    frozen_clock.shift(timedelta(days=1, milliseconds=1))
    assert _say(session, owner, HERS)[0].at == first.at + 1
    assert auditor.faults(session, owner) == []


@pytest.mark.parametrize(("behind", "rows"), [(0, 2), (1, 2), (1000, 2), (1001, 3)])
def test_the_jitter_of_two_machines_is_no_clock_set_back(
    session: Session, owner: int, frozen_clock: time_machine.Traveller, behind: int, rows: int
) -> None:
    _say(session, owner, HERS)
    frozen_clock.shift(timedelta(milliseconds=-behind))
    _say(session, owner, HERS)
    assert ledger.size(session, owner) == rows
    assert auditor.faults(session, owner) == []


# Two writers


def test_writers_take_turns_from_the_very_first_row_on(engine: Engine, session: Session, owner: int) -> None:
    session.commit()
    writers, rounds = 4, 8

    def write(number: int) -> list[int]:
        seqs = []
        for turn in range(rounds):
            options = {"listkeeper_writes": True}
            with Session(engine.execution_options(**options)) as own:
                seqs += [row.seq for row in _say(own, owner, f"{number:032x}", "", f"{turn:032x}")]
                own.commit()
        return seqs

    seqs = sorted(seq for one in at_once(writers, write) for seq in one)
    skews = sum(row["type"] == "clock.skew" for row in auditor.records(session, owner))
    assert auditor.faults(session, owner) == []
    assert len(seqs) == len(set(seqs)) == writers * rounds * 3
    assert ledger.size(session, owner) == len(seqs) + skews


# The fork


def test_a_fork_is_marked_once_and_accepted_by_an_epoch_that_cites_the_last_good_checkpoint(
    session: Session, owner: int, frozen_clock: time_machine.Traveller
) -> None:
    assert not ledger.is_forked(session, owner)
    ledger.mark_forked(session, owner)
    assert ledger.is_forked(session, owner), "an empty ledger may be what is left of a full one"
    first = session.scalar(select(LedgerHead.forked_at))
    frozen_clock.shift(timedelta(hours=1))
    ledger.mark_forked(session, owner)
    assert session.scalar(select(LedgerHead.forked_at)) == first
    ledger.accept_fork(session, owner, actor="user:1", size=0, root="e" * 64)
    assert not ledger.is_forked(session, owner)
    (said,) = auditor.records(session, owner)
    assert (said["type"], said["actor"]) == ("ledger.forked", "user:1")
    assert said["details"] == {"good_size": 0, "good_root": "e" * 64}


# Seat-belts

# Each would be one step in rewriting history; the right next row is 4, after h3.
_BOTH = {
    "edit of a hash": "UPDATE ledger SET hash = 'x' WHERE seq = 2",
    "edit of a record": "UPDATE ledger SET record = record WHERE seq = 3",
    "edit of all": "UPDATE ledger SET type = 'consent.given'",
    "a row moved": "UPDATE ledger SET seq = 9 WHERE seq = 3",
    "a row removed": "DELETE FROM ledger WHERE seq = 2",
    "the last row removed": "DELETE FROM ledger WHERE seq = 3",
    "all removed": "DELETE FROM ledger",
    "a wrong row before": "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', 'h4', 'h2')",
    "no row before": "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', 'h4', '')",
    "a gap": "INSERT INTO ledger VALUES (:org, 5, 'i4', 1, 't', 's', 'r', 'h4', 'h3')",
    "a number again": "INSERT INTO ledger VALUES (:org, 3, 'i4', 1, 't', 's', 'r', 'h4', 'h2')",
    "a number below all": "INSERT INTO ledger VALUES (:org, 0, 'i4', 1, 't', 's', 'r', 'h4', '')",
    "a number below zero": "INSERT INTO ledger VALUES (:org, -1, 'i4', 1, 't', 's', 'r', 'h4', '')",
    "an id again": "INSERT INTO ledger VALUES (:org, 4, 'i1', 1, 't', 's', 'r', 'h4', 'h3')",
    "no number": "INSERT INTO ledger VALUES (:org, NULL, 'i4', 1, 't', 's', 'r', 'h4', 'h3')",
    "no id": "INSERT INTO ledger VALUES (:org, 4, NULL, 1, 't', 's', 'r', 'h4', 'h3')",
    "no hash": "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', NULL, 'h3')",
    "nothing before": "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', 'h4', NULL)",
    "no organisation": "INSERT INTO ledger VALUES (NULL, 1, 'i4', 1, 't', 's', 'r', 'h4', '')",
    "another organisation's row": "INSERT INTO ledger VALUES (:org + 1, 4, 'i4', 1, 't', 's', 'r', 'h4', 'h3')",
    "two rows, the second one wrong": "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', 'h4', 'h3'),"
    " (:org, 6, 'i5', 1, 't', 's', 'r', 'h5', 'h4')",
    "an edit by conflict of number": "INSERT INTO ledger VALUES (:org, 2, 'i4', 1, 't', 's', 'r', 'h4', 'h1')"
    " ON CONFLICT (organisation_id, seq) DO UPDATE SET hash = excluded.hash",
    "an edit by conflict of id": "INSERT INTO ledger VALUES (:org, 4, 'i1', 1, 't', 's', 'r', 'h4', 'h3')"
    " ON CONFLICT (id) DO UPDATE SET hash = excluded.hash",
}  # fmt: skip
_SQLITE = {
    "replaced by number": "INSERT OR REPLACE INTO ledger VALUES (:org, 2, 'i4', 1, 't', 's', 'r', 'h4', 'h1')",
    "replaced by id": "INSERT OR REPLACE INTO ledger VALUES (:org, 4, 'i1', 1, 't', 's', 'r', 'h4', 'h3')",
    "replaced by id, short": "REPLACE INTO ledger VALUES (:org, 4, 'i3', 1, 't', 's', 'r', 'h4', 'h3')",
    "replaced by hidden rowid": f"INSERT OR REPLACE INTO ledger (rowid, {_COLUMNS})"  # noqa: S608 - our own words
    " VALUES (2, :org, 4, 'i4', 1, 't', 's', 'r', 'h4', 'h3')",
    "replaced by an edit": "UPDATE OR REPLACE ledger SET id = 'i1' WHERE seq = 3",
    "replaced with nothing": "INSERT OR REPLACE INTO ledger VALUES (:org, NULL, 'i4', 1, 't', 's', 'r', 'h4', 'h3')",
}  # fmt: skip
_POSTGRESQL = {
    "emptied": "TRUNCATE ledger",
    "emptied with all that hangs on it": "TRUNCATE organisation CASCADE",
    "removed by joining": "DELETE FROM ledger USING organisation WHERE organisation.id = ledger.organisation_id",
    "rewritten in passing": "WITH gone AS (DELETE FROM ledger RETURNING seq) SELECT * FROM gone",
    "merged": "MERGE INTO ledger USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
}


def _fill(session: Session, owner: int) -> None:
    for seq in range(1, 4):
        prev = f"h{seq - 1}" if seq > 1 else ""
        row = f"({owner}, {seq}, 'i{seq}', 1, 't', 's', 'r', 'h{seq}', '{prev}')"
        session.execute(text(f"INSERT INTO ledger VALUES {row}"))  # noqa: S608 - our own words
    session.commit()


def _kept(session: Session) -> list[tuple[object, ...]]:
    session.rollback()
    return [tuple(row) for row in session.execute(text("SELECT seq, id, hash, prev, record FROM ledger ORDER BY seq"))]


def test_columns_stand_in_the_order_that_these_tests_write(database: Database, session: Session) -> None:
    assert ", ".join(LedgerRow.__table__.columns.keys()) == _COLUMNS


def test_seat_belts_refuse_every_step_of_rewriting(database: Database, session: Session, owner: int) -> None:
    _fill(session, owner)
    before = _kept(session)
    passed = []
    for name, statement in (_BOTH | (_SQLITE if database.kind == "sqlite" else _POSTGRESQL)).items():
        try:
            session.execute(text(statement), {"org": owner})
            session.commit()
        except DBAPIError:
            session.rollback()
        else:
            passed.append(name)
        assert _kept(session) == before, name
    assert passed == []
    right = "INSERT INTO ledger VALUES (:org, 4, 'i4', 1, 't', 's', 'r', 'h4', 'h3')"
    session.execute(text(right), {"org": owner})
    assert len(_kept_now(session)) == 4, "the right next row is let in"


def _kept_now(session: Session) -> list[object]:
    return list(session.scalars(text("SELECT seq FROM ledger")))


@pytest.fixture
def shell(empty_database: Callable[[str], Database], settings: Settings) -> Iterator[sqlite3.Connection]:
    """A connection as the sqlite3 shell makes it, which asks nobody for the right pragmas."""
    keys.open_folder(settings.key_folder)
    made = empty_database("sqlite")
    databases.migrate(made)
    engine = made.engine()
    with Session(engine) as session:
        _fill(session, _owner(session))
    engine.dispose()
    opened = sqlite3.connect(made.url.removeprefix("sqlite:///"), isolation_level=None)
    yield opened
    opened.close()


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_seat_belts_hold_in_any_shell(shell: sqlite3.Connection, recursive: str) -> None:
    shell.execute(f"PRAGMA recursive_triggers={recursive}")
    everything = "SELECT * FROM ledger ORDER BY seq"
    before = shell.execute(everything).fetchall()
    passed = []
    for name, statement in (_BOTH | _SQLITE).items():
        for ignoring in (statement, statement.replace("INSERT INTO", "INSERT OR IGNORE INTO")):
            try:
                shell.execute(ignoring, {"org": 1})
            except sqlite3.DatabaseError:
                continue
            passed += [name] if ignoring is statement else []
        assert shell.execute(everything).fetchall() == before, name
    assert passed == []


def test_ids_are_in_the_order_of_time(session: Session, owner: int, frozen_clock: time_machine.Traveller) -> None:
    numbers = []
    for _ in range(5):
        numbers.append(_say(session, owner, HERS)[0].id)
        frozen_clock.shift(timedelta(milliseconds=1))
    assert numbers == sorted(numbers)
    assert {len(number) for number in numbers} == {32}
    assert ids.ordered(0)[12] == "7"
