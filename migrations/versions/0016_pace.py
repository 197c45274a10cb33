"""Pace: what a receiver's reply means, who keeps the mail of a domain, and since when a message is tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room; what was said before keeps its words alone."""
    op.add_column("delivery", sa.Column("reply_class", sa.String(32), nullable=True))
    op.add_column("delivery", sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("incident", sa.Column("provider", sa.String(24), nullable=True))
    op.add_column("incident", sa.Column("domain", sa.String(253), nullable=True))
    op.add_column("mail_host", sa.Column("provider", sa.String(24), nullable=True))
    op.add_column("mail_host", sa.Column("provider_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "warm_up",
        sa.Column("sending_domain_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(32), nullable=False),
        sa.Column("today", sa.Date(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Integer(), nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("complained", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_domain_id"], ["sending_domain.id"], name=op.f("fk_warm_up_sending_domain_id")
        ),
        sa.PrimaryKeyConstraint("sending_domain_id", name=op.f("pk_warm_up")),
    )


def downgrade() -> None:
    """Forget all of it."""
    op.drop_table("warm_up")
    op.drop_column("mail_host", "provider_until")
    op.drop_column("mail_host", "provider")
    op.drop_column("incident", "domain")
    op.drop_column("incident", "provider")
    op.drop_column("delivery", "first_tried_at")
    op.drop_column("delivery", "reply_class")
