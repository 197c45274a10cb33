"""A machine of its own: data folder, database of a kind, key folder and journal; several can stand side by side."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from listkeeper import store
from listkeeper.cli import context
from listkeeper.settings import Settings
from tests.fakes import databases, typed
from tests.fakes.databases import Database
from tests.fakes.typed import Said


@dataclass(frozen=True)
class Machine:
    """One machine; its database has no tables before it is first used."""

    data: Path
    database: Database

    @property
    def settings(self) -> Settings:
        """What it is told."""
        return Settings(
            data=self.data,
            database_url=self.database.setting,
            public_url="http://localhost:8025",
            dns_server="127.0.0.1:1",
            check_links=False,
        )

    def type(self, *words: str) -> Said:
        """Type a command line there."""
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("LISTKEEPER_DATABASE_URL", raising=False)
            return typed.typing(patch, self.settings)(*words)

    @contextmanager
    def working(self) -> Iterator[Session]:
        """Change something there by the verbs of the domain; it is committed at the end."""
        with context.opened(self.settings, create=True), store.transaction() as session:
            yield session

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """Look at its rows."""
        with context.opened(self.settings), store.reading() as session:
            yield session

    def begin_anew(self) -> None:
        """Empty the database and forget the journal; the keys stay."""
        databases.migrate(self.database, "base")
        shutil.rmtree(self.data / "journal", ignore_errors=True)

    def takes_keys_of(self, other: Machine) -> None:
        """Put a copy of another machine's key folder in place."""
        shutil.rmtree(self.data / "keys", ignore_errors=True)
        shutil.copytree(other.data / "keys", self.data / "keys")

    def takes_journal_of(self, other: Machine) -> None:
        """Put a copy of another machine's journal in place."""
        shutil.rmtree(self.data / "journal", ignore_errors=True)
        shutil.copytree(other.data / "journal", self.data / "journal")


@contextmanager
def machine(kind: str, folder: Path) -> Iterator[Machine]:
    """Make a machine on an empty database of a kind; its data folder is ``folder``."""
    folder.mkdir(mode=0o700, parents=True)
    with databases.without_tables(kind, folder, int(os.environ["LISTKEEPER_TEST_RUN"])) as database:
        yield Machine(folder, database)
