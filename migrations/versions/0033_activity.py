"""What people do with letters, what a shop tells of them, and what a letter is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; letters that were sent stay without a stance."""
    op.add_column("campaign", sa.Column("segment_id", _ROW_ID, nullable=True))
    op.add_column("campaign", sa.Column("stance", sa.String(16), nullable=True))
    op.add_column("campaign", sa.Column("assumption", _JSON, nullable=True))
    op.add_column("campaign", sa.Column("trial", _JSON, nullable=True))
    op.create_table(
        "activity",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_activity_subscriber_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_activity_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint(
            "subscriber_id",
            "list_id",
            "kind",
            "campaign_id",
            "day",
            name=op.f("uq_activity_subscriber_id_list_id_kind_campaign_id_day"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_list", "activity", ["list_id", "kind", "at", "subscriber_id"])
    op.create_index("ix_activity_campaign", "activity", ["campaign_id", "kind", "subscriber_id"])
    op.create_table(
        "posted_event",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("external_id", sa.String(100), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_posted_event_organisation_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_posted_event_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posted_event")),
        sa.UniqueConstraint(
            "organisation_id", "name", "external_id", name=op.f("uq_posted_event_organisation_id_name_external_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posted_event_subscriber", "posted_event", ["subscriber_id", "name", "at"])
    op.create_index("ix_posted_event_campaign", "posted_event", ["campaign_id", "name"])
    op.create_index("ix_posted_event_name", "posted_event", ["organisation_id", "name", "at", "subscriber_id"])


def downgrade() -> None:
    """Let go of it."""
    op.drop_table("posted_event")
    op.drop_table("activity")
    op.drop_column("campaign", "trial")
    op.drop_column("campaign", "assumption")
    op.drop_column("campaign", "stance")
    op.drop_column("campaign", "segment_id")
