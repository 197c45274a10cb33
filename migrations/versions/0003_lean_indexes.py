"""Indexes hold what is looked for: no empty cells, and none that no question uses; an import pays for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PARTIAL = (
    ("ix_subscription_consent_event", "subscription", "consent_event_id"),
    ("ix_evidence_delete_after", "evidence", "delete_after"),
)


def upgrade() -> None:
    """Leave the empty cells out of two indexes, and take away the index on whose a subject key is."""
    for index, table, column in _PARTIAL:
        op.drop_index(index, table_name=table)
        filled = sa.text(f"{column} IS NOT NULL")
        op.create_index(index, table, [column], postgresql_where=filled, sqlite_where=filled)
    op.drop_index(op.f("ix_subject_key_organisation_id"), table_name="subject_key")


def downgrade() -> None:
    """Bring them back as they were."""
    op.create_index(op.f("ix_subject_key_organisation_id"), "subject_key", ["organisation_id"])
    for index, table, column in _PARTIAL:
        op.drop_index(index, table_name=table)
        op.create_index(index, table, [column])
