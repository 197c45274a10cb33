"""Counting by each reader's own choice: without her name, with it, or not at all; and what is counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_NUMBERED = sa.text("mail_number IS NOT NULL")
_TRACKED = sa.text("tracking_since IS NOT NULL OR counted_since IS NOT NULL")
_UNJUDGED = sa.text("verdict IS NULL")


def upgrade() -> None:
    """Make room; nobody has chosen anything yet, and what was visited before is judged like the rest."""
    op.add_column("subscription", sa.Column("counted_since", _MOMENT, nullable=True))
    op.create_index(
        "ix_subscription_tracked", "subscription", ["list_id"], postgresql_where=_TRACKED, sqlite_where=_TRACKED
    )
    op.add_column("organisation", sa.Column("shop_hosts", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "organisation", sa.Column("marks_shop_links", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("campaign_link", sa.Column("role", sa.String(32), server_default="link", nullable=False))
    op.add_column("link_visit", sa.Column("mail_number", sa.BigInteger(), nullable=True))
    op.add_column("link_visit", sa.Column("verdict", sa.String(32), nullable=True))
    op.create_index(
        "ix_link_visit_mail", "link_visit", ["mail_number"], postgresql_where=_NUMBERED, sqlite_where=_NUMBERED
    )
    op.create_index("ix_link_visit_unjudged", "link_visit", ["at"], postgresql_where=_UNJUDGED, sqlite_where=_UNJUDGED)
    op.create_table(
        "engagement_tally",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("revision_id", _ROW_ID, nullable=False),
        sa.Column("link_id", _ROW_ID, nullable=False),
        sa.Column("provider", sa.String(24), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement_tally")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_engagement_tally_campaign", "engagement_tally", ["campaign_id"])
    op.create_index("ix_engagement_tally_revision", "engagement_tally", ["revision_id"])


def downgrade() -> None:
    """Let go of it."""
    op.drop_table("engagement_tally")
    op.drop_index("ix_link_visit_unjudged", table_name="link_visit")
    op.drop_index("ix_link_visit_mail", table_name="link_visit")
    op.drop_column("link_visit", "verdict")
    op.drop_column("link_visit", "mail_number")
    op.drop_column("campaign_link", "role")
    op.drop_column("organisation", "marks_shop_links")
    op.drop_column("organisation", "shop_hosts")
    op.drop_index("ix_subscription_tracked", table_name="subscription")
    op.drop_column("subscription", "counted_since")
