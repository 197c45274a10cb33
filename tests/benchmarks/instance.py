"""A database for a bench: SQLite in the data folder, or a PostgreSQL server that keeps its promises to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes import databases, postgres

KINDS = ("sqlite", "postgresql")


def kinds() -> tuple[str, ...]:
    """Return the databases to measure; ``LISTKEEPER_TEST_DATABASES`` leaves one out."""
    return tuple(kind for kind in KINDS if kind in databases.chosen())


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    """Yield the address for LISTKEEPER_DATABASE_URL of a fresh database, None for SQLite."""
    if kind == "sqlite":
        yield None
        return
    server = postgres.of_run(os.getpid(), in_life=True)
    name = server.empty()
    try:
        yield server.url(name)
    finally:
        server.drop(name)
        postgres.stop(os.getpid())
