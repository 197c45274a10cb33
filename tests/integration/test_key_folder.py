"""A database notices that its key folder is missing or another one, and no key is made in its stead."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import delete, text

from listkeeper.accounts import organisation
from listkeeper.app import create_app
from listkeeper.foundation import key_mark, keys
from listkeeper.foundation.errors import Invalid, TryAgain
from listkeeper.foundation.key_mark import KeyMark
from tests.fakes import databases
from tests.fakes.machine import Machine, machine
from tests.makers import cafe


@pytest.fixture(params=databases.chosen())
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a business."""
    with machine(request.param, tmp_path / "data") as made:
        with made.working() as session:
            cafe.found(session)
        yield made


def _lose_keys(here: Machine) -> None:
    shutil.move(here.data / "keys", here.data / "kept")


def _refused(here: Machine) -> None:
    answer = here.type("list", "show", "--json")
    assert (answer.code, answer.error) == (10, "keys_missing")
    said = here.type("list", "show")
    assert str(here.data / "keys") in said.sentence
    assert "copy of the key folder" in said.sentence
    with pytest.raises(Invalid) as problem:
        create_app(here.settings)
    assert problem.value.code == "keys_missing"


def test_a_missing_folder_is_refused_and_no_key_is_made(here: Machine) -> None:
    _lose_keys(here)
    _refused(here)
    assert not (here.data / "keys").exists()
    (here.data / "keys").mkdir()
    _refused(here)
    assert list((here.data / "keys").iterdir()) == []
    shutil.rmtree(here.data / "keys")
    shutil.move(here.data / "kept", here.data / "keys")
    assert here.type("list", "show", "--json").code == 0


def test_another_folder_is_refused_and_left_as_it_is(here: Machine) -> None:
    _lose_keys(here)
    keys.open_folder(here.data / "keys")
    before = (here.data / "keys" / "master-1.key").read_bytes()
    _refused(here)
    assert (here.data / "keys" / "master-1.key").read_bytes() == before
    [found] = [row for row in here.type("doctor", "--json").json["findings"] if row["code"] == "keys_missing"]
    assert (found["severity"], found["verdict"]) == ("BLOCK", "wrong")


def test_a_folder_without_its_oldest_key_is_another_one(here: Machine) -> None:
    keys.add(here.data / "keys")
    assert here.type("list", "show", "--json").code == 0
    (here.data / "keys" / "master-1.key").unlink()
    _refused(here)


def test_a_database_from_before_the_mark_gets_it_at_its_next_start(here: Machine) -> None:
    with here.working() as session:
        session.execute(delete(KeyMark))
    with here.looking() as session:
        assert not key_mark.is_missing(session)
        assert session.query(KeyMark).one().fingerprint == keys.fingerprint()
    with here.working() as session:
        session.execute(delete(KeyMark))
    _lose_keys(here)
    _refused(here)


def test_a_database_at_the_first_migration_without_keys_is_refused(tmp_path: Path) -> None:
    with machine(databases.chosen()[0], tmp_path / "data") as here:
        databases.migrate(here.database)
        databases.migrate(here.database, "0001")
        engine = here.database.engine()
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO organisation (public_id, legal_name, postal_address, from_name, from_address,"
                    " language, brand_colour, demo, created_at)"
                    " VALUES ('org_1', 'Old', 'Street', 'Old', 'a@old.example', 'en',"
                    " '#000000', false, '2026-11-01 08:00:00.000000')"
                )
            )
        engine.dispose()
        _refused(here)
        assert not (here.data / "keys").exists()


def test_before_there_is_a_business_nothing_binds(tmp_path: Path) -> None:
    with machine(databases.chosen()[0], tmp_path / "data") as here:
        assert here.type("link", "--json").code == 0
        shutil.rmtree(here.data / "keys")
        assert here.type("link", "--json").code == 0
        assert (here.data / "keys" / "master-1.key").exists()


def test_without_its_database_no_key_is_made(tmp_path: Path) -> None:
    with machine(databases.chosen()[0], tmp_path / "data") as here:
        settings = here.settings.model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"})
        with pytest.raises(TryAgain):
            create_app(settings)
        assert not (here.data / "keys").exists()
        keys.open_folder(here.data / "keys")
        create_app(settings)


def test_the_mark_says_nothing_of_the_keys(tmp_path: Path) -> None:
    keys.open_folder(tmp_path / "one")
    one, signing = keys.fingerprint(), keys.ledger("org_1")
    assert len(one) == 64
    assert one not in {keys.secret(purpose).hex() for purpose in ("web-session", "ledger:org_1", "password-pepper")}
    keys.open_folder(tmp_path / "two")
    assert keys.fingerprint() != one
    keys.open_folder(tmp_path / "one")
    assert keys.fingerprint() == one
    raw = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (*signing, *keys.ledger("org_1"))]
    assert raw[0] == raw[1]
    assert keys.ledger("org_2")[0].private_bytes_raw() != signing[0].private_bytes_raw()
    keys.add(tmp_path / "one")
    keys.open_folder(tmp_path / "one")
    newest, oldest = keys.ledger("org_1")
    assert oldest.private_bytes_raw() == signing[0].private_bytes_raw() != newest.private_bytes_raw()
    assert keys.fingerprint() == one


def test_the_demo_takes_its_binding_along(tmp_path: Path) -> None:
    with machine(databases.chosen()[0], tmp_path / "data") as here:
        assert here.type("demo", "--people", "3").code == 0
        _lose_keys(here)
        _refused(here)
        shutil.move(here.data / "kept", here.data / "keys")
        assert here.type("demo", "--remove").code == 0
        with here.looking() as session:
            assert organisation.maybe_one(session) is None
            assert session.query(KeyMark).count() == 0
