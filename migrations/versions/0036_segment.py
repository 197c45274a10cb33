"""Segments, when somebody did something last, and by which segment a letter was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_APART = sa.text("restricted_at IS NOT NULL OR erased_at IS NOT NULL")


def upgrade() -> None:
    """Make room; nothing had written what people did before these rows could be kept."""
    op.create_table(
        "segment",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("archived_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_segment_organisation_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_segment_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("public_id", name=op.f("uq_segment_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_segment_list_id", "segment", ["list_id"])
    op.create_table(
        "latest_act",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_latest_act_subscriber_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_latest_act_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_latest_act")),
        sa.UniqueConstraint("subscriber_id", "list_id", "kind", name=op.f("uq_latest_act_subscriber_id_list_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_latest_act_list", "latest_act", ["list_id", "kind", "subscriber_id", "at"])
    op.create_index("ix_subscriber_apart", "subscriber", ["id"], postgresql_where=_APART, sqlite_where=_APART)
    op.drop_index("ix_delivery_campaign_state", table_name="delivery")
    op.create_index("ix_delivery_campaign_state", "delivery", ["campaign_id", "state", "subscriber_id"])
    op.add_column("campaign", sa.Column("segment_text", sa.Text(), nullable=True))


def downgrade() -> None:
    """Let go of it."""
    op.drop_column("campaign", "segment_text")
    op.drop_index("ix_delivery_campaign_state", table_name="delivery")
    op.create_index("ix_delivery_campaign_state", "delivery", ["campaign_id", "state"])
    op.drop_index("ix_subscriber_apart", table_name="subscriber")
    op.drop_table("latest_act")
    op.drop_table("segment")
