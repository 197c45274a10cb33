"""Follow-ups, who walks along them, the cap over everything a person gets, and what was left out because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; the cap holds for what is new here, and for letters to everybody when its owner asks for it."""
    op.add_column("organisation", sa.Column("cap_mails", sa.Integer(), server_default="4", nullable=True))
    op.add_column("organisation", sa.Column("cap_days", sa.Integer(), server_default="7", nullable=False))
    op.add_column("organisation", sa.Column("cap_letters", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("delivery", sa.Column("round", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("uq_delivery_subscriber_campaign", table_name="delivery")
    op.create_index(
        "uq_delivery_subscriber_campaign", "delivery", ["subscriber_id", "campaign_id", "round"], unique=True
    )
    _lines()
    _runs()
    op.create_table(
        "skipped_mail",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("planned_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_skipped_mail_campaign_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_skipped_mail_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skipped_mail")),
        sa.UniqueConstraint("campaign_id", "subscriber_id", name=op.f("uq_skipped_mail_campaign_id_subscriber_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_skipped_mail_subscriber", "skipped_mail", ["subscriber_id"])


def _lines() -> None:
    op.create_table(
        "follow_up",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("event_name", sa.String(40), nullable=True),
        sa.Column("days_before", sa.Integer(), nullable=True),
        sa.Column("segment_id", _ROW_ID, nullable=True),
        sa.Column("again_after_days", sa.Integer(), server_default="90", nullable=False),
        sa.Column("each_zone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("stop_on_reply", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("stop_on_click", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("stop_event", sa.String(40), nullable=True),
        sa.Column("stop_segment_id", _ROW_ID, nullable=True),
        sa.Column("halted", _JSON, nullable=True),
        sa.Column("on_since", _MOMENT, nullable=True),
        sa.Column("looked_at", _MOMENT, nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_follow_up_organisation_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_follow_up_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("public_id", name=op.f("uq_follow_up_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_follow_up_list", "follow_up", ["list_id", "state"])
    op.create_table(
        "follow_up_step",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("follow_up_id", _ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("wait_days", sa.Integer(), nullable=False),
        sa.Column("at_hour", sa.Integer(), nullable=True),
        sa.Column("segment_id", _ROW_ID, nullable=True),
        sa.Column("campaign_id", _ROW_ID, nullable=False),
        sa.Column("revision_id", _ROW_ID, nullable=True),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_up.id"], name=op.f("fk_follow_up_step_follow_up_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_follow_up_step_campaign_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_follow_up_step_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_step")),
        sa.UniqueConstraint("public_id", name=op.f("uq_follow_up_step_public_id")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_follow_up_step_campaign_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_follow_up_step_follow_up", "follow_up_step", ["follow_up_id", "position"])


def _runs() -> None:
    op.create_table(
        "follow_up_run",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("follow_up_id", _ROW_ID, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("occasion", sa.String(60), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("why", sa.String(32), nullable=True),
        sa.Column("next_step_id", _ROW_ID, nullable=True),
        sa.Column("planned_for", _MOMENT, nullable=True),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("delivery_id", _ROW_ID, nullable=True),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_up.id"], name=op.f("fk_follow_up_run_follow_up_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_follow_up_run_subscriber_id")),
        sa.ForeignKeyConstraint(["next_step_id"], ["follow_up_step.id"], name=op.f("fk_follow_up_run_next_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_run")),
        sa.UniqueConstraint(
            "follow_up_id",
            "subscriber_id",
            "occasion",
            name=op.f("uq_follow_up_run_follow_up_id_subscriber_id_occasion"),
        ),
        sqlite_autoincrement=True,
    )
    running, waits, done = (
        sa.text("state = 'running'"),
        sa.text("delivery_id IS NOT NULL"),
        sa.text("kind != 'postponed'"),
    )
    op.create_index(
        "ix_follow_up_run_due",
        "follow_up_run",
        ["follow_up_id", "due_at"],
        postgresql_where=running,
        sqlite_where=running,
    )
    op.create_index(
        "ix_follow_up_run_under_way", "follow_up_run", ["delivery_id"], postgresql_where=waits, sqlite_where=waits
    )
    op.create_index("ix_follow_up_run_subscriber", "follow_up_run", ["subscriber_id"])
    op.create_table(
        "follow_up_act",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", _ROW_ID, nullable=False),
        sa.Column("step_id", _ROW_ID, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("why", sa.String(32), nullable=True),
        sa.Column("delivery_id", _ROW_ID, nullable=True),
        sa.Column("until", _MOMENT, nullable=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_act")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_follow_up_act_done",
        "follow_up_act",
        ["run_id", "step_id"],
        unique=True,
        postgresql_where=done,
        sqlite_where=done,
    )
    op.create_index("ix_follow_up_act_step", "follow_up_act", ["step_id", "kind", "why"])
    op.create_index("ix_follow_up_act_subscriber", "follow_up_act", ["subscriber_id"])


def downgrade() -> None:
    """Let go of it; a step that came to somebody a second time stays with her without its letter."""
    for table in ("skipped_mail", "follow_up_act", "follow_up_run", "follow_up_step", "follow_up"):
        op.drop_table(table)
    op.execute("UPDATE delivery SET campaign_id = NULL WHERE round > 0")
    op.drop_index("uq_delivery_subscriber_campaign", table_name="delivery")
    op.drop_column("delivery", "round")
    op.create_index("uq_delivery_subscriber_campaign", "delivery", ["subscriber_id", "campaign_id"], unique=True)
    op.drop_column("organisation", "cap_letters")
    op.drop_column("organisation", "cap_days")
    op.drop_column("organisation", "cap_mails")
