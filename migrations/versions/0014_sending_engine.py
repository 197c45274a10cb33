"""The sending engine: waves, providers, and a queue that passes over what may not leave now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_WAITING = sa.text("state IN ('queued', 'deferred')")


def upgrade() -> None:
    """Make room; whatever waits now belongs to everybody's wave."""
    op.add_column("campaign", sa.Column("waves_open", sa.Integer(), server_default="1", nullable=False))
    op.add_column("campaign", sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=True))
    op.add_column("campaign", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("wave", sa.Integer(), server_default="1", nullable=False))
    op.add_column("delivery", sa.Column("provider", sa.String(24), nullable=True))
    op.drop_index("ix_delivery_waiting", table_name="delivery")
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["lane", "campaign_id", "wave", "due_at", "id"],
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )


def downgrade() -> None:
    """Go back to one queue for all."""
    op.drop_index("ix_delivery_waiting", table_name="delivery")
    op.create_index(
        "ix_delivery_waiting", "delivery", ["lane", "due_at", "id"], postgresql_where=_WAITING, sqlite_where=_WAITING
    )
    op.drop_column("delivery", "provider")
    op.drop_column("delivery", "wave")
    op.drop_column("campaign", "held_until")
    op.drop_column("campaign", "scheduled_for")
    op.drop_column("campaign", "waves_open")
