"""Topics of a list, and the one a letter is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; no letter so far is about a topic."""
    op.create_table(
        "topic",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_topic_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("public_id", name=op.f("uq_topic_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_topic_list_id"), "topic", ["list_id"], unique=False)
    op.add_column("campaign", sa.Column("topic", sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Take both away."""
    op.drop_column("campaign", "topic")
    op.drop_index(op.f("ix_topic_list_id"), table_name="topic")
    op.drop_table("topic")
