"""Brings the database to the newest migration, once, however many processes start together."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from listkeeper import store
from listkeeper.foundation import log, places
from listkeeper.foundation.errors import Conflict

# Any number will do, as long as no other program locks it in the same PostgreSQL database.
_LOCK_NUMBER = 7_455_311_026
_log = log.get(__name__)


def bring_up_to_date() -> None:
    """Run what is missing, inside one locked transaction; needs the application's context.

    Raises Conflict when the database was made by a newer listkeeper.
    """
    newest = store.newest_revision()
    with store.database.engine.connect() as connection:
        if current_migration(connection) == newest:
            return
    # On SQLite this option makes the transaction take the write lock at its begin; the loser of a race waits there.
    writing = store.database.engine.execution_options(listkeeper_writes=True)
    with writing.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        current = current_migration(connection)
        if current == newest:
            return
        _refuse_newer(current)
        _upgrade(connection)
    _log.info("database.migrated", from_revision=current, to_revision=newest)
    _adopt()


def _adopt() -> None:
    """Bring consents from before the ledger into it, in steps that each are whole."""
    from listkeeper.audience.proof import adoption  # noqa: PLC0415 - only after a migration

    while True:
        with store.transaction() as session:
            if not adoption.adopt(session):
                return


def current_migration(connection: Connection) -> str | None:
    """Return the revision that the database is at; None when it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def bring_to(connection: Connection, revision: str) -> None:
    """Bring a database without a business to a revision, up or down, in the caller's transaction."""
    current = current_migration(connection)
    if current == revision:
        return
    _refuse_newer(current)
    up = current is None or int(current) < int(revision)
    _run(connection, revision, up=up)


def is_known(revision: str) -> bool:
    """Return whether this program has a migration of that name."""
    return revision in {path.name.partition("_")[0] for path in (places.migrations() / "versions").glob("*.py")}


def _refuse_newer(current: str | None) -> None:
    known = current is None or any((places.migrations() / "versions").glob(f"{current}*.py"))
    if not known:
        raise Conflict(
            "database_newer",
            f"The database was made by a newer listkeeper (migration {current}). Nothing was changed; "
            "start the newer version, or restore the backup from before it.",
        )


def _upgrade(connection: Connection) -> None:
    _run(connection, "head", up=True)


def _run(connection: Connection, revision: str, *, up: bool) -> None:
    # Loaded when there is something to migrate: every start looks, few find anything.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(places.migrations()).replace("%", "%%"))
    config.attributes["connection"] = connection
    (command.upgrade if up else command.downgrade)(config, revision)
