"""A letter is a document: blocks, Markdown or own HTML; and the name of the change that made each revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; every letter there is was written in Markdown."""
    op.add_column("revision", sa.Column("mode", sa.String(32), server_default="markdown", nullable=False))
    op.add_column("revision", sa.Column("document", _JSON, nullable=True))
    op.add_column("revision", sa.Column("change_name", sa.String(64), nullable=True))
    op.add_column("revision", sa.Column("change_digest", sa.String(64), nullable=True))
    op.create_index("ix_revision_change_name", "revision", ["campaign_id", "change_name"], unique=True)


def downgrade() -> None:
    """Let go of it; letters that are not Markdown are empty in an older release."""
    op.drop_index("ix_revision_change_name", "revision")
    for name in ("change_digest", "change_name", "document", "mode"):
        op.drop_column("revision", name)
