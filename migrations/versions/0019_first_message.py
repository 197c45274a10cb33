"""What a letter's first message was worth, read by ourselves before the rest left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; of letters that are on their way nothing is known, and their next message is read."""
    op.add_column("campaign", sa.Column("first_message", JSON, nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("campaign", "first_message")
