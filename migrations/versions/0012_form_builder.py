"""Looks of forms, drafts of forms, and what a business shows beside its form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables; no version so far has chosen anything."""
    op.add_column("signup_form_version", sa.Column("design", JSON, nullable=True))
    op.create_table(
        "form_draft",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("form_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("begun_from", sa.Integer(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["signup_form.id"], name=op.f("fk_form_draft_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_draft")),
        sa.UniqueConstraint("form_id", name=op.f("uq_form_draft_form_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "storefront",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("hours", JSON, nullable=False),
        sa.Column("holidays", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=300), nullable=False),
        sa.Column("coordinates", sa.String(length=40), nullable=False),
        sa.Column("links", JSON, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_storefront_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storefront")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_storefront_organisation_id")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("storefront")
    op.drop_table("form_draft")
    op.drop_column("signup_form_version", "design")
