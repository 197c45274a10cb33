"""A queue that a million deliveries are put into at once: one index for two questions, and no locked subscribers."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_NAMED = {
    "campaign": "campaign_id",
    "mailing_list": "list_id",
    "organisation": "organisation_id",
    "revision": "revision_id",
    "subscriber": "subscriber_id",
}


def upgrade() -> None:
    """On PostgreSQL every new row locks the rows it names, and writes each of them anew: most of planning a letter.

    Who is missing is refused by the gate, which looks for herself; SQLite keeps the keys, they cost it little.
    """
    if op.get_bind().dialect.name == "postgresql":
        for column in _NAMED.values():
            op.drop_constraint(f"fk_delivery_{column}", "delivery", type_="foreignkey")
    op.create_index("uq_delivery_subscriber_campaign", "delivery", ["subscriber_id", "campaign_id"], unique=True)
    op.drop_index("uq_delivery_campaign_subscriber", table_name="delivery")
    op.drop_index("ix_delivery_subscriber", table_name="delivery")


def downgrade() -> None:
    """Go back to two indexes and to keys on both databases; rows without their person let go of her number."""
    op.create_index("ix_delivery_subscriber", "delivery", ["subscriber_id"], unique=False)
    op.create_index("uq_delivery_campaign_subscriber", "delivery", ["campaign_id", "subscriber_id"], unique=True)
    op.drop_index("uq_delivery_subscriber_campaign", table_name="delivery")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "UPDATE delivery SET subscriber_id = NULL"
            " WHERE NOT EXISTS (SELECT 1 FROM subscriber WHERE subscriber.id = delivery.subscriber_id)"
        )
        for table, column in _NAMED.items():
            op.create_foreign_key(f"fk_delivery_{column}", "delivery", table, [column], ["id"])
