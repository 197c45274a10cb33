"""Who speaks a language and who came by a source, in their order: whoever counts a segment walks beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_KNOWN = sa.text("source_id IS NOT NULL")
_IN_ORDER = ["source_id", "list_id", "state", "subscriber_id", "consent_event_id"]
_AS_BEFORE = ["source_id", "state", "consent_event_id"]


def _by_source(columns: list[str]) -> None:
    op.drop_index("ix_subscription_source", table_name="subscription")
    op.create_index("ix_subscription_source", "subscription", columns, postgresql_where=_KNOWN, sqlite_where=_KNOWN)


def upgrade() -> None:
    """Build both indexes."""
    op.create_index("ix_subscriber_language", "subscriber", ["organisation_id", "language", "id"])
    _by_source(_IN_ORDER)


def downgrade() -> None:
    """Go back to the one there was."""
    _by_source(_AS_BEFORE)
    op.drop_index("ix_subscriber_language", table_name="subscriber")
