"""What a line of follow-ups remembers of its pauses and of whom it found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
# Whoever paused a line wrote it into the audit log. What it began with then, nobody knows any more: who is in its
# segment by now is remembered when it is switched on again, and gets nothing by mistake.
_PAUSED = """
UPDATE follow_up SET paused_at = (
    SELECT max(audit_entry.at) FROM audit_entry
    WHERE audit_entry.action = 'follow_up.paused' AND audit_entry.subject = follow_up.public_id
) WHERE state = 'paused' AND halted IS NULL
"""
_ON = """
UPDATE follow_up SET was_on_with = CASE WHEN segment_id IS NULL THEN trigger ELSE trigger || ':' || segment_id END
WHERE state = 'on'
"""
_CAME_BY = """
UPDATE follow_up_run SET occasion = 'segment:' || (
    SELECT follow_up.segment_id FROM follow_up WHERE follow_up.id = follow_up_run.follow_up_id
) WHERE occasion = 'segment' AND follow_up_id IN (SELECT id FROM follow_up WHERE segment_id IS NOT NULL)
"""
# One of several segments was the word for all of them.
_CAME = """
UPDATE follow_up_run SET occasion = 'segment' WHERE id IN (
    SELECT min(id) FROM follow_up_run WHERE occasion LIKE 'segment:%' GROUP BY follow_up_id, subscriber_id
) AND NOT EXISTS (
    SELECT 1 FROM follow_up_run AS other WHERE other.follow_up_id = follow_up_run.follow_up_id
    AND other.subscriber_id = follow_up_run.subscriber_id AND other.occasion = 'segment'
)
"""


def upgrade() -> None:
    """Make room, and fill in what is known."""
    op.add_column("follow_up", sa.Column("paused_at", _MOMENT, nullable=True))
    op.add_column("follow_up", sa.Column("was_on_with", sa.String(60), nullable=True))
    for filled in (_PAUSED, _ON, _CAME_BY):
        op.execute(sa.text(filled))


def downgrade() -> None:
    """Take it away again."""
    op.execute(sa.text(_CAME.replace(":%", r"\:%")))
    op.drop_column("follow_up", "was_on_with")
    op.drop_column("follow_up", "paused_at")
