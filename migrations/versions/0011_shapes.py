"""Forms on other people's sites: who may show them, and by which shape and browser a signup came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; any site may show the forms there are, as before."""
    op.add_column("signup_form", sa.Column("allowed_origins", JSON, nullable=True))
    op.add_column("signup", sa.Column("shape", sa.String(length=20), nullable=True))
    op.add_column("signup", sa.Column("in_app", sa.String(length=20), nullable=True))


def downgrade() -> None:
    """Take all three away."""
    op.drop_column("signup", "in_app")
    op.drop_column("signup", "shape")
    op.drop_column("signup_form", "allowed_origins")
