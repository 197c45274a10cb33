"""Alembic's environment: our metadata, on a connection that the caller has opened and locked."""

from __future__ import annotations

from alembic import context

from listkeeper import store
from listkeeper.foundation.table import Table

store.load_tables()


def run() -> None:
    """Run the asked-for migrations on the given connection, or print their SQL."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        context.configure(
            dialect_name=context.config.attributes["dialect"], target_metadata=Table.metadata, literal_binds=True
        )
    else:
        context.configure(
            connection=connection,
            target_metadata=Table.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
        )
    with context.begin_transaction():
        context.run_migrations()


run()
