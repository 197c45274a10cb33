"""What channels earn, as their owner worked it out, and who came to lists, stayed and left, by month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; the first count of who came is made by the timetable."""
    op.create_table(
        "profit_scenario",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("inputs", _JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_profit_scenario_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profit_scenario")),
        sa.UniqueConstraint("public_id", name=op.f("uq_profit_scenario_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_profit_scenario_organisation_id"), "profit_scenario", ["organisation_id"])
    op.create_table(
        "growth_count",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=False),
        sa.Column("source_id", _ROW_ID, nullable=False),
        sa.Column("by_file", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.String(7), nullable=False),
        sa.Column("joined", sa.String(7), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(7), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_growth_count")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_growth_count_list_id"), "growth_count", ["list_id"])


def downgrade() -> None:
    """Let go of it."""
    op.drop_table("growth_count")
    op.drop_table("profit_scenario")
