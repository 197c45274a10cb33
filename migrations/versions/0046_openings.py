"""Since when somebody lets it be seen which letters she opens, and of how many copies an opening can be known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

# Before, only copies of who is counted as a number held the picture. They stand under no provider, and with them those
# copies by name that are not told under theirs.
_HELD_THE_PICTURE = """
    INSERT INTO engagement_tally (campaign_id, revision_id, link_id, provider, what, number)
    SELECT campaign_id, revision_id, 0, 'unknown', 'pictured', sum(number) FROM (
        SELECT campaign_id, revision_id, number FROM engagement_tally WHERE what = 'counted' AND provider = 'unknown'
        UNION ALL
        SELECT campaign_id, revision_id, CASE WHEN sum(number) < 0 THEN sum(number) ELSE 0 END FROM (
            SELECT campaign_id, revision_id, number FROM engagement_tally
            WHERE what = 'counted' AND provider <> 'unknown'
            UNION ALL
            SELECT delivery.campaign_id, coalesce(delivery.revision_id, 0), -1 FROM campaign
            JOIN subscription ON subscription.list_id = campaign.list_id
            JOIN delivery
                ON delivery.subscriber_id = subscription.subscriber_id AND delivery.campaign_id = campaign.id
            WHERE subscription.tracking_since IS NOT NULL AND subscription.tracking_since <= delivery.handed_at
                AND delivery.state IN ('accepted', 'bounced')
        ) AS by_name GROUP BY campaign_id, revision_id
    ) AS copies GROUP BY campaign_id, revision_id HAVING sum(number) > 0
"""


def upgrade() -> None:
    """Make room; nobody's yes to the words of before is one to these."""
    op.add_column("subscription", sa.Column("opens_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(_HELD_THE_PICTURE)


def downgrade() -> None:
    """Let go of it; whoever said yes to more is still seen by her links."""
    op.execute("DELETE FROM engagement_tally WHERE what = 'pictured'")
    op.drop_column("subscription", "opens_since")
