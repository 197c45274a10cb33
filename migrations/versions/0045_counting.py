"""What was counted for a letter without whose it was, letters' figures with their recipients, and counted copies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Whose letter it was by her own choice, and had been when it happened.
_HERS = """EXISTS (
    SELECT 1 FROM campaign JOIN subscription ON subscription.list_id = campaign.list_id
    WHERE campaign.id = of_both.campaign_id AND subscription.subscriber_id = of_both.subscriber_id
        AND subscription.tracking_since IS NOT NULL AND subscription.tracking_since <= of_both.at
)"""
_EVENTS = "SELECT id FROM posted_event AS of_both WHERE campaign_id <> 0 AND subscriber_id IS NOT NULL AND NOT {hers}"
_ACTS = "SELECT id FROM activity AS of_both WHERE kind = 'bought' AND campaign_id <> 0 AND NOT {hers}"
_COUNT_EVENTS = """
    INSERT INTO event_count (campaign_id, name, currency, number, amount)
    SELECT campaign_id, name, coalesce(currency, ''), count(*), coalesce(sum(amount), 0)
    FROM posted_event WHERE id IN ({events}) GROUP BY campaign_id, name, coalesce(currency, '')
"""
_SEPARATE_EVENTS = "UPDATE posted_event SET campaign_id = 0, apart = true WHERE id IN ({events})"
# Of a day one act stays: two that named different letters are the same without them.
_DROP_ACTS = """
    DELETE FROM activity WHERE id IN ({acts}) AND EXISTS (
        SELECT 1 FROM activity AS other
        WHERE other.subscriber_id = activity.subscriber_id AND other.list_id = activity.list_id
            AND other.kind = activity.kind AND other.day = activity.day
            AND (other.campaign_id = 0 OR (other.id < activity.id AND other.id IN ({acts})))
    )
"""
_SEPARATE_ACTS = "UPDATE activity SET campaign_id = 0 WHERE id IN ({acts})"
# What was handed over since the timetable counted last; from now on each copy is counted as it arrives.
_COUNTED_SINCE = """
    INSERT INTO engagement_tally (campaign_id, revision_id, link_id, provider, what, number)
    SELECT now.campaign_id, now.revision_id, 0, 'unknown', 'counted', now.number - coalesce(known.number, 0)
    FROM (
        SELECT delivery.campaign_id AS campaign_id, coalesce(delivery.revision_id, 0) AS revision_id,
            count(*) AS number
        FROM campaign
        JOIN subscription ON subscription.list_id = campaign.list_id
        JOIN subscriber ON subscriber.id = subscription.subscriber_id
        JOIN delivery ON delivery.subscriber_id = subscription.subscriber_id AND delivery.campaign_id = campaign.id
        WHERE (campaign.state IN ('sending', 'paused')
                OR (campaign.kind IN ('welcome', 'follow_up') AND campaign.state <> 'draft'))
            AND (subscription.tracking_since IS NOT NULL OR subscription.counted_since IS NOT NULL)
            AND subscription.state = 'confirmed' AND subscriber.restricted_at IS NULL
            AND coalesce(subscription.tracking_since, subscription.counted_since) <= delivery.handed_at
            AND delivery.state IN ('accepted', 'bounced')
        GROUP BY delivery.campaign_id, coalesce(delivery.revision_id, 0)
    ) AS now
    LEFT JOIN (
        SELECT campaign_id, revision_id, sum(number) AS number
        FROM engagement_tally WHERE what = 'counted' GROUP BY campaign_id, revision_id
    ) AS known ON known.campaign_id = now.campaign_id AND known.revision_id = now.revision_id
    WHERE now.number > coalesce(known.number, 0)
"""


def upgrade() -> None:
    """Make room; take apart what names a person and a letter that is not hers by name, and keep every sum."""
    op.create_table(
        "event_count",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_count")),
        sa.UniqueConstraint("campaign_id", "name", "currency", name=op.f("uq_event_count_campaign_id_name_currency")),
        sqlite_autoincrement=True,
    )
    op.add_column("posted_event", sa.Column("apart", sa.Boolean(), server_default=sa.false(), nullable=False))
    for statement in (_COUNT_EVENTS, _SEPARATE_EVENTS, _DROP_ACTS, _SEPARATE_ACTS):
        op.execute(statement.format(events=_EVENTS.format(hers=_HERS), acts=_ACTS.format(hers=_HERS)))
    op.execute(_COUNTED_SINCE)
    # Counted again when the timetable comes round, with what was not told apart before.
    op.execute("DELETE FROM letter_figures")
    for name in ("recipients", "gone"):
        op.add_column("letter_figures", sa.Column(name, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Let go of it; what was taken apart stays so."""
    op.execute("DELETE FROM letter_figures")
    for name in ("gone", "recipients"):
        op.drop_column("letter_figures", name)
    op.drop_column("posted_event", "apart")
    op.drop_table("event_count")
