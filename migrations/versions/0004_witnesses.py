"""What others keep of each ledger: the journal what only narrows, the owner's mailbox its checkpoints.

And no row number is given twice on SQLite: every table counts on behind the
highest number that it ever gave (AUTOINCREMENT), as PostgreSQL's do. Nothing
in the rows changes by that, so no table is made anew and copied: its statement
in ``sqlite_master`` gets the word, in this transaction, and indexes, triggers
and foreign keys stay untouched. A statement that SQLite cannot read fails the
migration as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAMED = re.compile(r",\s*CONSTRAINT \w+ PRIMARY KEY \(id\)")
_PLAIN = re.compile(r"(\(\s*id INTEGER NOT NULL)( PRIMARY KEY)?(?=,)")
_COUNTED = " PRIMARY KEY AUTOINCREMENT"


def _count_on() -> None:
    bind = op.get_bind()
    # The table in which SQLite counts comes into being with the first that needs it.
    bind.exec_driver_sql("CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    bind.exec_driver_sql("DROP TABLE counted")
    if bind.exec_driver_sql("SELECT count(*) FROM organisation").scalar() == 0:
        # Nobody's database yet: what was counted in an earlier life of it is nobody's either.
        bind.exec_driver_sql("DELETE FROM sqlite_sequence")
    for name in _rewritten(lambda sql: _PLAIN.sub(rf"\1{_COUNTED}", _NAMED.sub("", sql))):
        highest = bind.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {name}").scalar_one()  # noqa: S608
        given = bind.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", (name,))
        seq = max(highest, given.scalar_one())
        bind.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        bind.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, seq))


def _count_no_more() -> None:
    """Take the word away; how far each had counted stays, so that a way up again goes on from there."""
    _rewritten(lambda sql: sql.replace(_COUNTED, " PRIMARY KEY", 1))


def _rewritten(change: Callable[[str], str]) -> list[str]:
    """Change the statements of our tables in place and return whose were changed."""
    bind = op.get_bind()
    tables = bind.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
    changed = {row.name: change(row.sql) for row in tables if re.search(r"\(\s*id INTEGER NOT NULL", row.sql or "")}
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    try:
        for name, sql in changed.items():
            bind.exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (sql, name))
        # Every connection, this one too, reads the schema again.
        bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    finally:
        bind.exec_driver_sql("PRAGMA writable_schema = OFF")
    for name in changed:
        bind.exec_driver_sql(f"SELECT id FROM {name} LIMIT 1")  # noqa: S608 - the same
    return list(changed)


def upgrade() -> None:
    """Add what later releases rest on."""
    op.add_column("ledger_head", sa.Column("journaled_seq", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("organisation", sa.Column("witness_address", sa.String(length=320), nullable=True))
    op.add_column("checkpoint", sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))
    if op.get_context().dialect.name == "sqlite":
        _count_on()


def downgrade() -> None:
    """Take back."""
    if op.get_context().dialect.name == "sqlite":
        _count_no_more()
    op.drop_column("checkpoint", "mailed_at")
    op.drop_column("organisation", "witness_address")
    op.drop_column("ledger_head", "journaled_seq")
