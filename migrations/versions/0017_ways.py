"""Several ways to send: which one a delivery took, and which of them are in trouble."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room; of what was sent before, the way is not known."""
    op.add_column("delivery", sa.Column("way", sa.String(40), nullable=True))
    op.create_table(
        "way_trouble",
        sa.Column("way", sa.String(40), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("way", name="pk_way_trouble"),
    )


def downgrade() -> None:
    """Go back to one way."""
    op.drop_table("way_trouble")
    op.drop_column("delivery", "way")
