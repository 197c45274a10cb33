"""What came back: what came in, what was read of it, and what could not be delivered to whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make room; what came back before went to the sender's own mailbox."""
    op.create_table(
        "inbound",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_inbound_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("organisation_id", "digest", name=op.f("uq_inbound_organisation_id_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbound_received_at", "inbound", ["received_at"])
    _copies()
    _events()
    op.create_table(
        "undelivered_run",
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("run", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("last_delivery_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_undelivered_run_subscriber_id")),
        sa.PrimaryKeyConstraint("subscriber_id", "run", name=op.f("pk_undelivered_run")),
    )


def _copies() -> None:
    op.create_table(
        "kept_copy",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("delete_after", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_kept_copy_organisation_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_kept_copy")),
    )
    op.create_index("ix_kept_copy_subject", "kept_copy", ["subject_ref"])
    op.create_index("ix_kept_copy_delete_after", "kept_copy", ["delete_after"])


def _events() -> None:
    op.create_table(
        "feedback_event",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("external_id", sa.String(100), nullable=False),
        *(
            sa.Column(name, _ROW_ID, nullable=True)
            for name in ("inbound_id", "delivery_id", "campaign_id", "subscriber_id")
        ),
        sa.Column("proof", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(24), nullable=True),
        sa.Column("reply_class", sa.String(32), nullable=True),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reply", sa.String(500), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("at", "received_at")),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        *(sa.Column(name, _MOMENT, nullable=True) for name in ("since", "lifted_at")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_feedback_event_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_event")),
        sa.UniqueConstraint(
            "organisation_id",
            "source",
            "external_id",
            name=op.f("uq_feedback_event_organisation_id_source_external_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_feedback_event_subscriber", "feedback_event", ["subscriber_id", "id"])
    op.create_index("ix_feedback_event_campaign", "feedback_event", ["campaign_id", "kind"])
    op.create_index("ix_feedback_event_received_at", "feedback_event", ["received_at"])


def downgrade() -> None:
    """Let go of what came in."""
    for table in ("undelivered_run", "feedback_event", "kept_copy", "inbound"):
        op.drop_table(table)
