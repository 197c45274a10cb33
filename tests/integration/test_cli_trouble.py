"""What stands in the way from outside: settings, database, disk, keys. One sentence each, and nothing half-done."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from listkeeper.foundation import pen
from listkeeper.settings import Settings
from tests.fakes import running_up, slow_database, typed
from tests.fakes.databases import Database
from tests.fakes.typed import Type

pytestmark = pytest.mark.whole_program

_INIT = ("init", "--name", "N", "--address", "A", "--from", "a@b.example", "--json")


@pytest.fixture
def type_(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Type:
    """Type command lines for an instance on SQLite that has just been founded."""
    typing = typed.typing(monkeypatch, settings)
    assert typing(*_INIT).code == 0
    return typing


def _rows(settings: Settings) -> dict[str, int]:
    with sqlite3.connect(settings.data_folder / "listkeeper.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        asked = {name: f'SELECT count(*) FROM "{name}"' for name in tables}  # noqa: S608 - names from the database
        counted = {name: database.execute(query).fetchone()[0] for name, query in asked.items()}
    database.close()
    return counted


# Settings


def test_all_wrong_settings_are_listed_at_once(data_folder: Path) -> None:
    wrong = {
        "port": "99999",
        "database_url": "mysql://x",
        "redis_url": "http://x",
        "smtp_url": "ftp://user:secret@x",
        "public_url": "example.com",
        "workers": "none",
        "log_level": "LOUD",
    }
    done = running_up.command("list", "show", "--data", str(data_folder), **wrong)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == sorted(f"LISTKEEPER_{name.upper()}" for name in wrong)
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    asked = running_up.command("list", "show", "--data", str(data_folder), "--json", **wrong)
    assert (asked.returncode, json.loads(asked.stdout)["error"]["code"]) == (2, "settings")
    assert list(data_folder.iterdir()) == []


@pytest.mark.usefixtures("_no_settings_from_outside")
def test_a_folder_without_an_instance_is_not_made_into_one(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        typing = typed.typing(patch, Settings(data=tmp_path / "typo"))
        for words in (("list", "show"), ("demo", "--remove"), ("campaign", "status", "cmp_x")):
            said = typing(*words)
            assert said.code == 11
            assert str(tmp_path / "typo") in said.sentence
    assert not (tmp_path / "typo").exists()


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert running_up.command("list", "show", "--data", str(file)).returncode == 2
    done = running_up.command("init", *_INIT[1:-1], data=str(file))
    assert done.returncode == 2
    [sentence] = done.stderr.splitlines()
    assert "is a file, not a folder" in sentence
    assert file.read_text() == "mine"


# The database


def test_a_locked_database_is_told_and_nothing_is_changed(
    type_: Type, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pen, "WAITS_MILLISECONDS", 200)
    before = _rows(settings)
    with slow_database.pen_taken(Database("sqlite", f"sqlite:///{settings.data_folder / 'listkeeper.db'}")):
        for words in (("list", "create", "--name", "News"), ("demo",), ("domain", "add", "b.example")):
            said = type_(*words)
            assert said.code == 14
            assert said.sentence.startswith("The database is busy with another change. Nothing was changed;")
            assert type_(*words, "--json").error == "database_unavailable"
        # Who only looks need not wait for who writes.
        assert type_("list", "show", "--json").code == 0
    assert _rows(settings) == before
    assert type_("list", "create", "--name", "News", "--json").code == 0


@contextmanager
def _full_disk(pages: int) -> Iterator[None]:
    """Let SQLite find no room for more than so many pages, as on a full disk: it raises SQLITE_FULL itself."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def test_a_full_disk_is_told_and_nothing_is_changed(type_: Type, settings: Settings) -> None:
    before = _rows(settings)
    with _full_disk(1):
        said = type_("demo", "--people", "3000")
        assert said.code == 14
        assert said.sentence == "The disk is full. Nothing was changed; free some space and try again."
        assert type_("demo", "--people", "3000", "--json").error == "database_unavailable"
    assert _rows(settings) == before
    assert type_("demo", "--people", "30").code == 0


def test_a_disk_that_refuses_to_write_is_told_and_nothing_is_changed(type_: Type, settings: Settings) -> None:
    before = _rows(settings)
    size = (settings.data_folder / "listkeeper.db").stat().st_size

    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, size + 20_000))

    words = ["demo", "--people", "5000", "--data", str(settings.data)]
    done = subprocess.run(
        [sys.executable, "-m", "listkeeper.cli.main", *words], cwd=running_up.ROOT, env=running_up.environment(),
        preexec_fn=no_larger_files, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 14
    [sentence] = done.stderr.splitlines()
    assert "disk" in sentence
    assert "Nothing was changed" in sentence
    assert _rows(settings) == before


def test_a_first_run_on_a_full_disk_can_be_repeated(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    typing = typed.typing(monkeypatch, settings)
    with _full_disk(3):
        said = typing(*_INIT[:-1])
        assert said.code == 14
        assert "disk is full" in said.sentence
    assert typing(*_INIT).code == 0


def test_a_file_that_is_no_database_is_told_and_kept(type_: Type, settings: Settings) -> None:
    file = settings.data_folder / "listkeeper.db"
    for beside in settings.data_folder.glob("listkeeper.db-*"):
        beside.unlink()
    file.write_bytes(b"this is a shopping list, not a database, and it is long enough to be one" * 20)
    said = type_("list", "show")
    assert (said.code, type_("list", "show", "--json").error) == (10, "database_damaged")
    assert "damaged" in said.sentence
    assert file.read_bytes().startswith(b"this is a shopping list")


def test_a_database_server_that_is_away_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    away = f"postgresql://owner:verysecret@127.0.0.1:{running_up.free_port()}/lists"
    monkeypatch.setenv("LISTKEEPER_DATABASE_URL", away)
    typing = typed.typing(monkeypatch, Settings(data=data_folder))
    for words in (("list", "show"), ("demo",), ("init", *_INIT[1:-1])):
        said = typing(*words)
        assert said.code == 14
        assert "database does not answer" in said.sentence
        assert "verysecret" not in said.err
        assert typing(*words, "--json").error == "database_unavailable"


# The keys and the queue


def test_a_damaged_key_is_told_and_not_replaced(type_: Type, settings: Settings) -> None:
    [key] = settings.key_folder.glob("master-*.key")
    key.write_bytes(b"short")
    said = type_("list", "show")
    assert said.code == 10
    assert str(settings.key_folder) in said.sentence
    assert key.read_bytes() == b"short"


def test_without_a_queue_server_commands_work_all_the_same(type_: Type, settings: Settings) -> None:
    assert not (settings.data_folder / "run" / "queue.sock").exists()
    draft = type_("demo", "--people", "10", "--json").json["campaigns"]["draft"]
    sent = type_("campaign", "send", draft, "--yes", "--json")
    assert (sent.code, sent.json["recipients"]) == (0, 10)
    # What was said on standard error is for the operator: the bell could not be rung.
    assert "bell.not_rung" in sent.err
