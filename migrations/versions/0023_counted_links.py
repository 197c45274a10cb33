"""Counted links: consent to them, where they lead, and that they were followed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HERS = sa.text("delivery_id IS NOT NULL")


def upgrade() -> None:
    """Make room; nobody has agreed to anything yet."""
    op.add_column("subscription", sa.Column("tracking_since", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "campaign_link",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("revision_id", _ROW_ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_campaign_link_revision_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_link")),
        sa.UniqueConstraint("revision_id", "position", name=op.f("uq_campaign_link_revision_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link_visit",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("link_id", _ROW_ID, nullable=False),
        sa.Column("delivery_id", _ROW_ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_visit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_link_visit_delivery", "link_visit", ["delivery_id"], postgresql_where=_HERS, sqlite_where=_HERS)


def downgrade() -> None:
    """Forget where links led and who followed them."""
    op.drop_table("link_visit")
    op.drop_table("campaign_link")
    op.drop_column("subscription", "tracking_since")
