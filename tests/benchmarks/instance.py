"""A database for a bench: SQLite in the data folder, or a PostgreSQL server that keeps its promises to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listkeeper import settings as settings_file
from listkeeper.settings import Settings
from tests.benchmarks.figure import CHECKOUT
from tests.fakes import databases, postgres, queue_server

# No name server answers there: what a signature is worth is then not known, and stops nothing.
_NO_DNS = "127.0.0.1:9"
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


@contextmanager
def settings(folder: Path, kind: str, smtp_url: str, dns: str = _NO_DNS) -> Iterator[Settings]:
    """Yield the settings of an instance on a fresh database, with a queue server: without one, workers go slowly."""
    with database(kind) as url, queue_server.running() as queue:
        yield settings_file.read(
            data=folder, smtp_url=smtp_url, database_url=url, redis_url=queue.url, dns_server=dns, log_level="ERROR"
        )


def environment(made: Settings) -> dict[str, str]:
    """Return the environment of a process of this instance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTKEEPER_")}
    kept |= {"LISTKEEPER_DATABASE_URL": made.database_url} if made.database_url else {}
    return kept | {
        "LISTKEEPER_DATA": str(made.data_folder),
        "LISTKEEPER_SMTP_URL": made.smtp_url or "",
        "LISTKEEPER_REDIS_URL": made.redis_url or "",
        "LISTKEEPER_DNS_SERVER": made.dns_server or _NO_DNS,
        "LISTKEEPER_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(CHECKOUT),
    }
