"""A row's number is given once: not again after a deletion, a way down and up of the migrations, or a restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.audience import erasure, subscriber
from listkeeper.audience.confirmation import Confirmation
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.signup import Signup
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation.table import Table
from listkeeper.sending import planning, traces
from listkeeper.sending.delivery import Delivery
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import cafe
from tests.makers.studio import the_cafe

KINDS = databases.chosen()
_CITED = (Signup, Confirmation, Subscriber, Subscription, ConsentEvent, Delivery)


@pytest.fixture(params=KINDS)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A café with one subscriber."""
    with machine(request.param, tmp_path / "here") as made:
        with made.working() as session:
            cafe.subscribe(session, cafe.found(session), "anna@guest.example")
        yield made


def _numbers(session: Session) -> dict[str, set[int]]:
    return {table.__tablename__: set(session.scalars(select(table.id))) for table in _CITED}


def _somebody(session: Session, name: str) -> dict[str, set[int]]:
    """Let somebody join and get a mail; return the numbers that were given by that."""
    before = _numbers(session)
    house = the_cafe(session)
    asked = cafe.sign_up(session, house, f"{name}@guest.example")
    planning.mail_confirmation(session, asked.id)
    cafe.subscribe(session, house, f"{name}-2@guest.example")
    session.flush()
    after = _numbers(session)
    new = {table: after[table] - before[table] for table in after}
    assert all(new.values())
    return new


def _forget(session: Session, name: str, folder: Path) -> None:
    for each in (name, f"{name}-2"):
        person = subscriber.named(session, organisation.only_one(session), f"{each}@guest.example")
        erasure.erase(session, person.id, actor="subscriber", forget_copies=traces.forgetter(folder))
    # The timetable deletes them after a month, and a developer by hand.
    session.execute(text("DELETE FROM delivery WHERE subscriber_id IS NULL"))


def _all_behind(new: dict[str, set[int]], old: dict[str, set[int]]) -> bool:
    return all(min(new[table]) > max(old[table]) for table in new)


def test_after_a_deletion(here: Machine) -> None:
    with here.working() as session:
        first = _somebody(session, "bo")
        _forget(session, "bo", here.data)
    with here.working() as session:
        assert _all_behind(_somebody(session, "cleo"), first)


def _shape(connection: Connection) -> dict[str, object]:
    """Return what a table consists of, beside its rows."""
    seen = inspect(connection)
    shape: dict[str, object] = {
        name: (
            sorted((column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(name)),
            sorted((str(key["name"]), *key["constrained_columns"]) for key in seen.get_foreign_keys(name)),
            sorted(str(index["name"]) for index in seen.get_indexes(name)),
            sorted(str(rule["name"]) for rule in seen.get_unique_constraints(name)),
            seen.get_pk_constraint(name)["constrained_columns"],
        )
        for name in seen.get_table_names()
    }
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY name"))
        shape["triggers and indexes"] = [tuple(row) for row in rows]
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    return shape


def test_after_a_way_down_and_up(here: Machine) -> None:
    with here.working() as session:
        first = _somebody(session, "bo")
        _forget(session, "bo", here.data)
    engine = here.database.engine()
    with engine.connect() as connection:
        before = _shape(connection)
    databases.migrate(here.database, "0002")
    databases.migrate(here.database)
    with engine.connect() as connection:
        assert _shape(connection) == before
    engine.dispose()
    with here.working() as session:
        assert _all_behind(_somebody(session, "cleo"), first)


def test_after_a_restore_not_even_those_given_since_the_backup(here: Machine, tmp_path: Path) -> None:
    assert here.type("backup", "--out", str(tmp_path / "yesterday.zip"), "--json").code == 0
    with here.working() as session:
        since = _somebody(session, "bo")
    kind = next((kind for kind in KINDS if kind != here.database.kind), here.database.kind)
    with machine(kind, tmp_path / "there") as there:
        there.takes_keys_of(here)
        assert there.type("restore", str(tmp_path / "yesterday.zip"), "--json").code == 0
        with there.working() as session:
            assert _all_behind(_somebody(session, "cleo"), since)


def test_every_table_counts_on(here: Machine) -> None:
    counted = {table.name for table in Table.metadata.sorted_tables if table.autoincrement_column is not None}
    assert len(counted) > 20
    engine = here.database.engine()
    with engine.connect() as connection:
        if here.database.kind == "sqlite":
            says = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%PRIMARY KEY AUTOINCREMENT%'"
        else:
            says = (
                "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND pg_get_serial_sequence(table_name, column_name) IS NOT NULL"
            )
        assert set(connection.scalars(text(says))) == counted
    engine.dispose()
