"""The few who get a letter first, why it stops by itself, quiet hours, and each reader's own clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_COMPLAINT = sa.text("reason = 'complaint'")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nothing that is there changes."""
    op.add_column("campaign", sa.Column("overruled", _JSON, nullable=True))
    op.add_column("campaign", sa.Column("pilot", _JSON, nullable=True))
    op.add_column("campaign", sa.Column("each_zone", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("campaign", sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("organisation", sa.Column("quiet_from", sa.Integer(), nullable=True))
    op.add_column("organisation", sa.Column("quiet_until", sa.Integer(), nullable=True))
    op.add_column("subscriber", sa.Column("time_zone", sa.String(64), nullable=True))
    op.create_index(
        "ix_suppression_complaint", "suppression", ["created_at"], postgresql_where=_COMPLAINT, sqlite_where=_COMPLAINT
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_suppression_complaint", table_name="suppression")
    op.drop_column("subscriber", "time_zone")
    op.drop_column("organisation", "quiet_until")
    op.drop_column("organisation", "quiet_from")
    op.drop_column("campaign", "begins_at")
    op.drop_column("campaign", "each_zone")
    op.drop_column("campaign", "pilot")
    op.drop_column("campaign", "overruled")
