"""How fast a letter leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nothing that is there changes."""
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
    """Forget how fast."""
    op.drop_table("campaign_tempo")
