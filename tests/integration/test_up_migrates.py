"""However many processes start together on an empty database, it is migrated once and all of them work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from listkeeper import store
from listkeeper.cli import migrate
from tests.fakes import databases, running_up
from tests.fakes.databases import Database

pytestmark = pytest.mark.whole_program

_TOGETHER = 4


@pytest.mark.parametrize("kind", databases.chosen())
def test_processes_that_start_together_agree(
    tmp_path: Path, kind: str, empty_database: Callable[[str], Database]
) -> None:
    made = empty_database(kind)
    settings = {"database_url": made.url} if kind == "postgresql" else {}
    data = tmp_path / ("data" if kind == "postgresql" else "empty")
    words = [sys.executable, "-m", "listkeeper.cli.main", "link", "--data", str(data)]
    environment = running_up.environment(log_level="DEBUG", **settings)
    together = [
        subprocess.Popen(words, cwd=running_up.ROOT, env=environment, stdout=-1, stderr=-1, text=True)
        for _ in range(_TOGETHER)
    ]
    said = [process.communicate(timeout=100) for process in together]
    assert [process.returncode for process in together] == [0] * _TOGETHER, said
    assert len({link for link, _ in said}) == _TOGETHER
    assert sum("database.migrated" in errors for _, errors in said) == 1
    engine = made.engine()
    with engine.connect() as connection:
        assert migrate.current_migration(connection) == store.newest_revision()
        # All of them signed in the same first user.
        assert connection.scalar(text("SELECT count(*) FROM studio_user")) == 1
    engine.dispose()


@pytest.mark.parametrize("kind", databases.chosen())
def test_a_database_without_tables_is_at_no_migration(kind: str, empty_database: Callable[[str], Database]) -> None:
    engine = empty_database(kind).engine()
    with engine.connect() as connection:
        assert migrate.current_migration(connection) is None
        assert inspect(connection).get_table_names() == []
    engine.dispose()
