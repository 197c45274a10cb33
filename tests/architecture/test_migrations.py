"""Migrations go up and down on both databases and end where the tables of the program are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from listkeeper import store
from listkeeper.foundation import places
from listkeeper.foundation.table import Table
from tests.architecture import source
from tests.fakes import databases
from tests.fakes.databases import Database

KINDS = databases.chosen()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(places.migrations()))


def _revisions() -> list[str]:
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


def test_one_line_of_revisions_that_the_head_file_names() -> None:
    assert _scripts().get_heads() == [_revisions()[-1]]
    assert (places.migrations() / ".head").read_text().strip() == _revisions()[-1]


def test_file_names_are_numbered_in_order() -> None:
    files = sorted(path.name for path in (places.migrations() / "versions").glob("*.py"))
    assert files
    assert [name for name in files if not re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name)] == []
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    assert [Path(name).stem for name in files] == [_file_of(revision) for revision in _revisions()]


def _file_of(revision: str) -> str:
    return Path(_scripts().get_revision(revision).path).stem


def test_tables_of_the_program_are_what_the_migrations_make(database: Database) -> None:
    store.load_tables()
    engine = database.engine()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        difference = compare_metadata(context, Table.metadata)
    engine.dispose()
    assert [step for step in difference if not _left_out(database.kind, step)] == []


def _left_out(kind: str, step: tuple[Any, ...]) -> bool:
    """Whether it is a key of the queue that only SQLite keeps (migration 0015)."""
    return kind == "postgresql" and step[0] == "add_fk" and step[1].table.name == "delivery"


@pytest.mark.parametrize("kind", KINDS)
def test_up_down_and_up_again(kind: str, empty_database: Callable[[str], Database]) -> None:
    database = empty_database(kind)
    databases.migrate(database)
    first = _tables(database)
    assert len(first) > 5
    databases.migrate(database, "base")
    assert _tables(database) <= {"alembic_version"}
    databases.migrate(database)
    assert _tables(database) == first


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_down_can_be_taken_back(
    kind: str, empty_database: Callable[[str], Database], share: Callable[[str, int, int], int]
) -> None:
    database = empty_database(kind)
    databases.migrate(database)
    first = _tables(database)
    down = [*reversed(_revisions()[:-1]), "base"]
    # Each step is the whole way up again: a short run takes back the newest, and all at once.
    for revision in [*down[: share("steps down that are taken back", len(down) - 1, 5)], down[-1]]:
        databases.migrate(database, revision)
        databases.migrate(database)
        assert _tables(database) == first


def _tables(database: Database) -> set[str]:
    engine = database.engine()
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_squawk_has_nothing_against_the_sql(tmp_path: Path) -> None:
    """The rules are about locks on big tables; .squawk.toml names those left out, and why."""
    said = StringIO()
    config = databases.alembic(dialect="postgresql")
    config.output_buffer = said
    command.upgrade(config, "head", sql=True)
    script = tmp_path / "migrations.sql"
    script.write_text(said.getvalue())
    assert "CREATE TABLE" in said.getvalue()
    words = [str(Path(sys.executable).with_name("squawk")), "--config", ".squawk.toml", str(script)]
    done = subprocess.run(words, cwd=source.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
