"""The answers of polls, and when a person renewed her consent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make room; nobody has renewed anything yet."""
    op.add_column("subscription", sa.Column("renewed_at", _MOMENT, nullable=True))
    op.create_table(
        "poll_answer",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("revision_id", _ROW_ID, nullable=False),
        sa.Column("block", sa.String(11), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("delivery_id", _ROW_ID, nullable=True),
        sa.Column("subscriber_id", _ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_poll_answer_revision_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_poll_answer_subscriber_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll_answer")),
        sa.UniqueConstraint("delivery_id", "block", name=op.f("uq_poll_answer_delivery_id_block")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_poll_answer_revision", "poll_answer", ["revision_id", "block", "choice"])
    is_hers = sa.text("subscriber_id IS NOT NULL")
    op.create_index(
        "ix_poll_answer_subscriber", "poll_answer", ["subscriber_id"], postgresql_where=is_hers, sqlite_where=is_hers
    )


def downgrade() -> None:
    """Let go of it."""
    op.drop_table("poll_answer")
    op.drop_column("subscription", "renewed_at")
