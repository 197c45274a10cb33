"""A migrated database for one test: a copy of a template, on SQLite or on PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from listkeeper.foundation import pen, places
from tests.fakes import postgres

KINDS = ("sqlite", "postgresql")
_own: dict[int, str] = {}


@dataclass(frozen=True)
class Database:
    """Where one test keeps its rows."""

    kind: str
    url: str

    @property
    def setting(self) -> str | None:
        """What LISTKEEPER_DATABASE_URL must be; nothing for SQLite in the data folder."""
        return None if self.kind == "sqlite" else self.url

    def engine(self) -> Engine:
        """Open an engine as the program would; the caller disposes of it."""
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://", 1))
        pen.prepare(engine)
        return engine


def chosen() -> tuple[str, ...]:
    """Return the kinds this run tests; all, unless LISTKEEPER_TEST_DATABASES names fewer."""
    wanted = os.environ.get("LISTKEEPER_TEST_DATABASES", ",".join(KINDS)).split(",")
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown:
        raise ValueError(f"LISTKEEPER_TEST_DATABASES: {', '.join(unknown)} is none of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in wanted)


def alembic(**attributes: object) -> Config:
    """Return Alembic's configuration, with what migrations/env.py asks for: a connection or a dialect."""
    config = Config()
    config.set_main_option("script_location", str(places.migrations()).replace("%", "%%"))
    config.attributes.update(attributes)
    return config


def migrate(database: Database, to: str = "head") -> None:
    """Bring a database to a revision, up or down (``base`` is none at all)."""
    engine = database.engine()
    try:
        with engine.execution_options(listkeeper_writes=True).begin() as connection:
            if to == "head":
                command.upgrade(alembic(connection=connection), to)
            else:
                command.downgrade(alembic(connection=connection), to)
    finally:
        engine.dispose()


@contextmanager
def on_sqlite(data_folder: Path, templates: Path) -> Iterator[Database]:
    """Lay a database into a data folder; ``templates`` keeps the migrated one for the next test."""
    template = templates / "listkeeper.db"
    data_folder.mkdir(parents=True, exist_ok=True)
    file = data_folder / "listkeeper.db"
    if not template.exists():
        _sqlite_template(template)
    shutil.copyfile(template, file)
    yield Database("sqlite", f"sqlite:///{file}")


def _sqlite_template(template: Path) -> None:
    draft = Database("sqlite", f"sqlite:///{template}.draft")
    migrate(draft)
    engine = create_engine(draft.url)
    with engine.connect() as connection:
        # One file to copy: the log is written back, and goes with the last connection. That there is to be one again
        # stays written in the file, so that no test has to write it there.
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    assert not Path(f"{template}.draft-wal").exists()
    Path(f"{template}.draft").rename(template)


@contextmanager
def on_postgresql(run: int) -> Iterator[Database]:
    """Hand out this process's own migrated database, emptied first; one test has it at a time."""
    server = postgres.of_run(run)
    if run not in _own:
        _postgresql_template(run, server)
        _own[run] = server.copy_of_template()
    server.clear(_own[run])
    yield Database("postgresql", server.url(_own[run]))


@contextmanager
def without_tables(kind: str, folder: Path, run: int) -> Iterator[Database]:
    """Make an empty database of a kind; a PostgreSQL one is dropped afterwards."""
    if kind == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        yield Database("sqlite", f"sqlite:///{folder / 'listkeeper.db'}")
        return
    server = postgres.of_run(run)
    name = server.empty()
    try:
        yield Database("postgresql", server.url(name))
    finally:
        server.drop(name)


def _postgresql_template(run: int, server: postgres.Server) -> None:
    ready = postgres.folder_of_run(run) / "template-is-ready"
    if ready.exists():
        return
    with postgres.once(run, "template-lock"):
        if ready.exists():
            return
        server.drop(postgres.TEMPLATE)
        server.run(f"CREATE DATABASE {postgres.TEMPLATE}")
        migrate(Database("postgresql", server.url(postgres.TEMPLATE)))
        ready.touch()
