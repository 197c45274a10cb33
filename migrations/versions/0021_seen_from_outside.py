"""Seen from outside: a tally of what became of hand-overs, and incidents that their owners are told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_DEFERRED = sa.text("state = 'deferred'")
_IN_DOUBT = sa.text("state = 'in_doubt'")


def upgrade() -> None:
    """Begin to count; what was sent before stands in the rows and not in the tally."""
    op.create_table(
        "delivery_tally",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=32), nullable=False),
        sa.Column("message_class", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=24), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_tally")),
        sqlite_autoincrement=True,
    )
    op.add_column("incident", sa.Column("facts", JSON, nullable=True))
    op.add_column("incident", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_delivery_put_off", "delivery", ["provider", "due_at"], postgresql_where=_DEFERRED, sqlite_where=_DEFERRED
    )
    op.create_index(
        "ix_delivery_in_doubt", "delivery", ["settled_at"], postgresql_where=_IN_DOUBT, sqlite_where=_IN_DOUBT
    )


def downgrade() -> None:
    """Count no more."""
    op.drop_index("ix_delivery_in_doubt", table_name="delivery")
    op.drop_index("ix_delivery_put_off", table_name="delivery")
    op.drop_column("incident", "told_at")
    op.drop_column("incident", "facts")
    op.drop_table("delivery_tally")
