"""Pace: what a receiver's reply means, and who keeps the mail of a domain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room; what was said before keeps its words alone."""
    op.add_column("delivery", sa.Column("reply_class", sa.String(32), nullable=True))
    op.add_column("mail_host", sa.Column("provider", sa.String(24), nullable=True))
    op.add_column("mail_host", sa.Column("provider_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget both."""
    op.drop_column("mail_host", "provider_until")
    op.drop_column("mail_host", "provider")
    op.drop_column("delivery", "reply_class")
