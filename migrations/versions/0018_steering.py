"""Steering: why a letter stands still."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nothing that is there changes."""
    op.add_column("campaign", sa.Column("halted", _JSON, nullable=True))


def downgrade() -> None:
    """Forget the reasons."""
    op.drop_column("campaign", "halted")
