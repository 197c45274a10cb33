"""What others keep of each ledger: the journal what only narrows, the owner's mailbox its checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what later releases rest on."""
    op.add_column("ledger_head", sa.Column("journaled_seq", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("organisation", sa.Column("witness_address", sa.String(length=320), nullable=True))
    op.add_column("checkpoint", sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("checkpoint", "mailed_at")
    op.drop_column("organisation", "witness_address")
    op.drop_column("ledger_head", "journaled_seq")
