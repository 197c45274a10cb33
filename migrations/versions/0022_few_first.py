"""Test small first: the few who get a letter first, and why it stops by itself."""

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
    op.create_index(
        "ix_suppression_complaint", "suppression", ["created_at"], postgresql_where=_COMPLAINT, sqlite_where=_COMPLAINT
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_suppression_complaint", table_name="suppression")
    op.drop_column("campaign", "pilot")
    op.drop_column("campaign", "overruled")
