"""Letters that follow a yes, and what the mail server can carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; every letter so far goes to all at once, in the language of the business."""
    op.add_column("campaign", sa.Column("kind", sa.String(length=32), server_default="letter", nullable=False))
    op.add_column("campaign", sa.Column("language", sa.String(length=8), nullable=True))
    op.create_table(
        "welcome_letter",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("campaign_id", ROW_ID, nullable=False),
        sa.Column("revision_id", ROW_ID, nullable=True),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_welcome_letter_list_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_welcome_letter_campaign_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_welcome_letter_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_welcome_letter")),
        sa.UniqueConstraint("list_id", "language", name=op.f("uq_welcome_letter_list_id_language")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_welcome_letter_campaign_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "relay_offer",
        sa.Column("relay", sa.String(length=300), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("relay", name=op.f("pk_relay_offer")),
    )


def downgrade() -> None:
    """Take them away; a welcome letter would be taken for a draft, so that nobody is mailed by it."""
    op.drop_table("relay_offer")
    op.drop_table("welcome_letter")
    op.drop_column("campaign", "language")
    op.drop_column("campaign", "kind")
