"""What the journal has repeated of each ledger."""

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


def downgrade() -> None:
    """Take back."""
    op.drop_column("ledger_head", "journaled_seq")
