"""How far the trust account of a list may go down before its owner is asked once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room; every list begins with a floor of 0."""
    op.add_column("mailing_list", sa.Column("trust_floor", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Let go of it."""
    op.drop_column("mailing_list", "trust_floor")
