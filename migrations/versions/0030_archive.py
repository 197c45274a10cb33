"""What letters of a list are shown to the public, and feeds that become letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nobody's letters are shown to the public until their owner wishes."""
    op.add_column("mailing_list", sa.Column("archive_public", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("campaign", sa.Column("in_archive", sa.Boolean(), nullable=True))
    _feeds()


def _feeds() -> None:
    op.create_table(
        "feed_letter",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        *(sa.Column(name, _ROW_ID, nullable=False) for name in ("organisation_id", "list_id")),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("cadence", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("weekday", "hour")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("automatic", "switched_on")),
        sa.Column("seen", _JSON, nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("next_at", "looked_at")),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("last_campaign_id", _ROW_ID, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_feed_letter_organisation_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_feed_letter_list_id")),
        sa.ForeignKeyConstraint(
            ["last_campaign_id"], ["campaign.id"], name=op.f("fk_feed_letter_last_campaign_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_letter")),
        sa.UniqueConstraint("public_id", name=op.f("uq_feed_letter_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feed_letter_organisation_id", "feed_letter", ["organisation_id"])


def downgrade() -> None:
    """Let go of what was chosen, and of the feeds."""
    op.drop_table("feed_letter")
    op.drop_column("campaign", "in_archive")
    op.drop_column("mailing_list", "archive_public")
