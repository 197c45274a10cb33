"""Archives in daily life: taken while others write, taken by an older program, and the journal kept by the jobs."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, MetaData, insert, select
from sqlalchemy import Table as Rows
from sqlalchemy.orm import Session

from listkeeper import parts, store
from listkeeper.accounts import organisation
from listkeeper.audience import erasure, subscriber, suppression, unsubscribe
from listkeeper.audience.consent import Method
from listkeeper.audience.erasure import Erasure
from listkeeper.audience.proof import journal as written_down
from listkeeper.audience.proof import ledger
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.suppression import Suppression
from listkeeper.cli import context
from listkeeper.foundation import archive, clock, journal_file, keys
from listkeeper.foundation.archive import Contents
from listkeeper.foundation.outbox import Lane
from listkeeper.jobs import journal, timetable
from listkeeper.sending import exporting, traces
from tests.fakes import databases, running_up
from tests.fakes.databases import Database
from tests.fakes.machine import Machine, machine
from tests.fakes.running_up import until
from tests.fakes.smtp_sink import SmtpSink
from tests.makers import cafe
from tests.makers.studio import the_cafe
from tests.makers.works import Works

KINDS = databases.chosen()


@pytest.fixture(params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A café with one subscriber."""
    with machine(request.param, tmp_path / "here") as made:
        with made.working() as session:
            cafe.subscribe(session, cafe.found(session), "anna@guest.example")
        yield made


def test_a_backup_shows_one_moment_while_others_write(here: Machine, tmp_path: Path) -> None:
    path = tmp_path / "while.zip"
    with context.opened(here.settings):
        with store.snapshot() as snapshot:
            what = exporting.contents(snapshot, "backup", revision=store.newest_revision(), media=tmp_path / "media")
            before = archive.count(snapshot.connection(), what.tables)
            with store.transaction() as session:
                made = the_cafe(session)
                late = cafe.subscribe(session, made, "late@guest.example")
                unsubscribe.leave(session, late.id, made.mailing_list.id, Method.PAGE)
            path.write_bytes(b"".join(archive.pieces(snapshot.connection(), what)))
        with store.reading() as session:
            assert archive.count(session.connection(), what.tables) > before
    with zipfile.ZipFile(path) as parcel:
        rows = sum(parcel.read(name).count(b"\n") for name in parcel.namelist() if name.startswith("tables/"))
        assert rows == before
        assert b"late@guest.example" not in parcel.read("tables/subscriber.jsonl")
    with machine(here.database.kind, tmp_path / "there") as there:
        there.takes_keys_of(here)
        assert there.type("restore", str(path), "--json").json["findings"] == []


def test_an_archive_of_the_first_migration_is_brought_up_to_date(tmp_path: Path) -> None:
    with machine(KINDS[0], tmp_path / "old") as old, machine(KINDS[-1], tmp_path / "new") as new:
        databases.migrate(old.database)
        databases.migrate(old.database, "0001")
        keys.open_folder(old.data / "keys")
        engine = old.database.engine()
        tables = MetaData()
        tables.reflect(engine)
        tables.remove(tables.tables["alembic_version"])
        moment = clock.now()
        with engine.begin() as connection:
            _old_rows(connection, tables.tables, moment)
            what = Contents(
                kind="backup",
                revision="0001",
                made_at=clock.as_text(moment),
                key_fingerprint=keys.fingerprint(),
                tables=list(tables.tables.values()),
            )
            (tmp_path / "old.zip").write_bytes(b"".join(archive.pieces(connection, what)))
        engine.dispose()
        new.takes_keys_of(old)
        said = new.type("restore", str(tmp_path / "old.zip"), "--json")
        assert (said.code, said.err) == (0, "")
        with new.looking() as session:
            assert organisation.only_one(session).legal_name == "Old café"
            assert subscriber.named(session, organisation.only_one(session), "anna@guest.example").created_at == moment
        assert [row["slug"] for row in new.type("list", "show", "--json").json["lists"]] == ["news"]


def _old_rows(connection: Connection, tables: Mapping[str, Rows], moment: datetime) -> None:
    common = {"created_at": moment, "demo": False}
    rows = {
        "organisation": {
            "id": 1, "public_id": "org_1", "legal_name": "Old café", "postal_address": "Street 1", "from_name": "Old",
            "from_address": "hello@cafe.example", "language": "en", "brand_colour": "#000000",
        },
        "mailing_list": {
            "id": 1, "public_id": "lst_1", "organisation_id": 1, "slug": "news", "name": "News",
            "purpose": "newsletter", "state": "active",
        },
        "subscriber": {
            "id": 7, "public_id": "sub_1", "organisation_id": 1, "subject_ref": "ab" * 16, "profile": {},
            "email_send": "anna@guest.example", "email_key": "anna@guest.example", "suppression_key": "cd" * 32,
            "language": "en",
        },
    }  # fmt: skip
    for name, row in rows.items():
        connection.execute(insert(tables[name]), [row | common])


def test_a_leave_is_in_the_journal_before_the_urgent_lane_is_done(works: Works, app: Flask) -> None:
    folder = app.config["LISTKEEPER"].journal_folder
    with app.app_context(), store.transaction() as session:
        made = the_cafe(session)
        anna = cafe.subscribe(session, made, "anna@guest.example")
        bo = cafe.subscribe(session, made, "bo@guest.example")
        key = anna.suppression_key
        unsubscribe.leave(session, anna.id, made.mailing_list.id, Method.PAGE)
        gone = erasure.erase(
            session, bo.id, actor="subscriber", forget_copies=traces.forgetter(parts.practice_folder())
        )
        assert gone is not None
        number = gone.id
    assert journal_file.identity(folder) is None
    works.work(Lane.URGENT)
    assert {line["kind"] for line in journal_file.read(folder)} == {"journal", "erased", "suppressed", "head"}
    assert [line["key"] for line in journal_file.read(folder, having='"unsub"')] == [key]
    with app.app_context(), store.reading() as session:
        assert erasure.is_done(session, number)


def test_a_journal_that_cannot_be_written_leaves_an_erasure_undone_until_it_can(works: Works, app: Flask) -> None:
    folder = app.config["LISTKEEPER"].journal_folder
    journal_file.begin(folder)
    folder.chmod(0o755)
    with app.app_context(), store.transaction() as session:
        bo = cafe.subscribe(session, the_cafe(session), "bo@guest.example")
        erasure.erase(session, bo.id, actor="subscriber", forget_copies=traces.forgetter(parts.practice_folder()))
    works.work(Lane.URGENT)
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
        assert session.scalars(select(Erasure.journaled)).all() == [False]
    folder.chmod(0o700)
    assert ("listkeeper.jobs.journal.write_down", 10, Lane.URGENT) in timetable.TABLE
    with app.app_context():
        journal.write_down()
    with app.app_context(), store.reading() as session:
        assert session.scalars(select(Erasure.journaled)).all() == [True]


def test_what_waits_is_written_in_pieces_and_what_comes_meanwhile_is_left_to_its_bell(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While hundreds leave in a second, something always waits: nobody goes round after them for ever."""
    rounds: list[int] = []
    write_down = written_down.write_down

    def add(session: Session, name: str) -> None:
        key, owner = name.rjust(64, "0"), the_cafe(session).organisation.id
        assert suppression.add(session, owner, key, scope=suppression.ALL, reason=suppression.Reason.MANUAL)

    def meanwhile(session: Session, folder: Path, limit: int) -> int:
        rounds.append(write_down(session, folder, limit))
        add(session, f"a{len(rounds)}")
        return rounds[-1]

    monkeypatch.setattr(written_down, "AT_ONCE", 3)
    monkeypatch.setattr(written_down, "write_down", meanwhile)
    with app.app_context():
        with store.transaction() as session:
            cafe.found(session)
            for number in range(7):
                add(session, str(number))
        journal.write_down()
        with store.reading() as session:
            waiting = session.scalars(select(Suppression.key).where(Suppression.journaled.is_(False))).all()
    # Three lines and the ledger's end each time; the last piece was not full.
    assert rounds == [4, 4, 4, 2]
    assert waiting == ["a4".rjust(64, "0")]


@pytest.mark.whole_program
def test_a_worker_looks_before_it_sends_the_first_mail(smtp_sink: SmtpSink) -> None:
    with (
        running_up.short_folder() as folder,
        databases.without_tables(KINDS[0], folder, int(os.environ["LISTKEEPER_TEST_RUN"])) as database,
    ):
        made = Machine(folder, database)
        with made.working() as session:
            house = cafe.found(session)
            cafe.sign_up(session, house, "anna@guest.example")
            owner = house.organisation.public_id
        journal_file.begin(folder / "journal")
        journal_file.append(
            folder / "journal", [{"kind": "head", "org": owner, "size": 999, "hash": "ab" * 32, "at": 1}]
        )
        named: dict[str, Any] = {"database_url": database.url} if database.setting else {}
        with running_up.up(folder, smtp_url=smtp_sink.url, workers="1", **named) as running:
            until(lambda: bool(running.of("work")) and bool(running.of("timetable")))
            until(lambda: "ledger.forked" in running.said())
            with made.looking() as session:
                assert ledger.is_forked(session, 1)
        assert smtp_sink.messages == []
