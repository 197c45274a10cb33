"""Sources with their visits and costs, followers of social channels, and how each person first came to a list.

Whoever was on a list before has no first touch: what was typed into an address
then named no source of ours.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and room for the first touch."""
    _make_sources()
    _make_what_is_typed_in()
    op.add_column("signup", sa.Column("referrer", sa.String(length=300), nullable=True))
    op.add_column("subscription", sa.Column("first_signup_id", ROW_ID, nullable=True))
    op.add_column("subscription", sa.Column("source_id", ROW_ID, nullable=True))
    came = sa.text("source_id IS NOT NULL")
    op.create_index(
        "ix_subscription_source",
        "subscription",
        ["source_id", "state", "consent_event_id"],
        postgresql_where=came,
        sqlite_where=came,
    )


def _make_sources() -> None:
    op.create_table(
        "source",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("form_id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("utm", JSON, nullable=False),
        sa.Column("headline", sa.String(length=80), nullable=False),
        sa.Column("line", sa.String(length=160), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["form_id"], ["signup_form.id"], name=op.f("fk_source_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("public_id", name=op.f("uq_source_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_source_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_source_form_id"), "source", ["form_id"], unique=False)
    op.create_table(
        "source_visit",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("source_id", ROW_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("machines", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_visit_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_visit")),
        sa.UniqueConstraint("source_id", "day", name=op.f("uq_source_visit_source_id_day")),
        sqlite_autoincrement=True,
    )


def _make_what_is_typed_in() -> None:
    op.create_table(
        "source_cost",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("source_id", ROW_ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("per", sa.String(length=32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_cost_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_cost")),
        sa.UniqueConstraint("public_id", name=op.f("uq_source_cost_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_source_cost_source_id"), "source_cost", ["source_id"], unique=False)
    op.create_table(
        "follower_count",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_follower_count_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follower_count")),
        sa.UniqueConstraint(
            "organisation_id",
            "channel",
            "counted_on",
            name=op.f("uq_follower_count_organisation_id_channel_counted_on"),
        ),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take all of it away."""
    op.drop_index("ix_subscription_source", table_name="subscription")
    op.drop_column("subscription", "source_id")
    op.drop_column("subscription", "first_signup_id")
    op.drop_column("signup", "referrer")
    op.drop_table("follower_count")
    op.drop_index(op.f("ix_source_cost_source_id"), table_name="source_cost")
    op.drop_table("source_cost")
    op.drop_table("source_visit")
    op.drop_index(op.f("ix_source_form_id"), table_name="source")
    op.drop_table("source")
