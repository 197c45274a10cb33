"""Test small first: the few who get a letter first, why it stops by itself, and how fast it leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COMPLAINT = sa.text("reason = 'complaint'")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nothing that is there changes."""
    op.add_column("campaign", sa.Column("overruled", _JSON, nullable=True))
    op.add_column("campaign", sa.Column("pilot", _JSON, nullable=True))
    op.create_index(
        "ix_suppression_complaint", "suppression", ["created_at"], postgresql_where=_COMPLAINT, sqlite_where=_COMPLAINT
    )
    op.create_table(
        "campaign_tempo",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("campaign_id", _ROW, nullable=False),
        sa.Column("looks", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_tempo")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_campaign_tempo_campaign_id")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("campaign_tempo")
    op.drop_index("ix_suppression_complaint", table_name="suppression")
    op.drop_column("campaign", "pilot")
    op.drop_column("campaign", "overruled")
