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
    op.add_column("mail_host", sa.Column("provider", sa.String(24), nullable=True))
    op.add_column("mail_host", sa.Column("provider_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget all of it."""
    op.drop_column("mail_host", "provider_until")
    op.drop_column("mail_host", "provider")
    op.drop_column("delivery", "first_tried_at")
    op.drop_column("delivery", "reply_class")
