"""How long PostgreSQL waits for somebody who has locked rows and then fallen silent.

A machine that drops off the network in the middle of a transaction holds its
locks for as long as the server believes in it, which is hours: nobody else gets
at its rows, and whoever wants to leave meanwhile waits for her own. SQLite's
locks end with the process.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.exc import OperationalError

# Longer than any pause between two statements of ours, but for an export that waits for whoever reads it.
SECONDS = 60
# What the server says to whoever comes back then (SQLSTATE); the driver files it under faults within a database.
_TOO_LATE = "25P03"


def prepare(engine: Engine) -> None:
    """Let the server end transactions of this engine that have fallen silent, and let go of what they held."""
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _bound)
        event.listen(engine, "handle_error", _is_a_lost_line)


def _bound(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    # By itself, outside of any transaction.
    connection.autocommit = True
    connection.execute(f"SET idle_in_transaction_session_timeout = {round(SECONDS * 1000)}")
    connection.autocommit = False


def _is_a_lost_line(context: ExceptionContext) -> OperationalError | None:
    """Return what is to be raised instead: to whoever asks, the database was away."""
    if getattr(context.original_exception, "sqlstate", None) != _TOO_LATE:
        return None
    return OperationalError(context.statement, None, context.original_exception)


def endure(connection: Connection) -> None:
    """Let this one transaction be silent for as long as it likes: it only reads, at somebody's leisure."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
