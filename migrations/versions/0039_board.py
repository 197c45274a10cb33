"""The board of at most three numbers, with its log and its weekly mail; and people who rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; nobody rests yet, and every user gets the weekly mail until they say otherwise."""
    op.add_column("studio_user", sa.Column("board_mail", sa.Boolean(), server_default=sa.true(), nullable=False))
    _people_who_rest()
    _the_board()
    op.create_table(
        "board_mail",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_board_mail_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_mail")),
        sa.UniqueConstraint("organisation_id", "week", name=op.f("uq_board_mail_organisation_id_week")),
        sqlite_autoincrement=True,
    )


def _people_who_rest() -> None:
    op.create_table(
        "rest_batch",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("woken", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_rest_batch_organisation_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_rest_batch_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rest_batch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rest_batch_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rest_batch_list_id"), "rest_batch", ["list_id"])
    op.add_column("subscription", sa.Column("resting_since", _MOMENT, nullable=True))
    op.add_column("subscription", sa.Column("rest_batch_id", _ROW_ID, nullable=True))
    resting = sa.text("rest_batch_id IS NOT NULL")
    op.create_index(
        "ix_subscription_resting",
        "subscription",
        ["rest_batch_id", "list_id"],
        postgresql_where=resting,
        sqlite_where=resting,
    )
    op.create_table(
        "clean_up_figure",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_clean_up_figure_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clean_up_figure")),
        sa.UniqueConstraint("list_id", name=op.f("uq_clean_up_figure_list_id")),
        sqlite_autoincrement=True,
    )


def _the_board() -> None:
    op.create_table(
        "board_pick",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("user_id", _ROW_ID, nullable=True),
        sa.Column("picked_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_board_pick_organisation_id")),
        sa.ForeignKeyConstraint(["user_id"], ["studio_user.id"], name=op.f("fk_board_pick_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_pick")),
        sa.UniqueConstraint("organisation_id", "place", name=op.f("uq_board_pick_organisation_id_place")),
        sa.UniqueConstraint("organisation_id", "kind", name=op.f("uq_board_pick_organisation_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "board_value",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.BigInteger(), nullable=True),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_board_value_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_value")),
        sa.UniqueConstraint("organisation_id", "kind", "day", name=op.f("uq_board_value_organisation_id_kind_day")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "board_log",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("did", sa.String(500), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("value_then", sa.BigInteger(), nullable=True),
        sa.Column("facts_then", _JSON, nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("value_after", sa.BigInteger(), nullable=True),
        sa.Column("facts_after", _JSON, nullable=True),
        sa.Column("measured_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_board_log_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_log")),
        sa.UniqueConstraint("public_id", name=op.f("uq_board_log_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_board_log_organisation", "board_log", ["organisation_id", "kind"])


def downgrade() -> None:
    """Let go of it; whoever rested is written to again."""
    for table in ("board_mail", "board_log", "board_value", "board_pick", "clean_up_figure"):
        op.drop_table(table)
    op.drop_index("ix_subscription_resting", table_name="subscription")
    for column in ("rest_batch_id", "resting_since"):
        op.drop_column("subscription", column)
    op.drop_table("rest_batch")
    op.drop_column("studio_user", "board_mail")
