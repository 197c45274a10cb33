"""What was counted of a large letter, and the ways to find who left by a letter and who answered it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_LEFT_BY = sa.text("kind = 'consent.withdrawn'")


def upgrade() -> None:
    """Make room; letters that were sent are counted when the timetable comes round."""
    op.create_table(
        "letter_figures",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.Column("providers", _JSON, nullable=False),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.Column("first_delivery", _ROW_ID, nullable=False),
        sa.Column("last_delivery", _ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_figures")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_letter_figures_campaign_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_consent_event_left_by", "consent_event", ["delivery_id"], postgresql_where=_LEFT_BY, sqlite_where=_LEFT_BY
    )
    op.create_index("ix_conversation_delivery", "conversation", ["delivery_id"])


def downgrade() -> None:
    """Let go of it."""
    op.drop_index("ix_conversation_delivery", table_name="conversation")
    op.drop_index("ix_consent_event_left_by", table_name="consent_event")
    op.drop_table("letter_figures")
