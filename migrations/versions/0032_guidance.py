"""Which reader was shown how to keep our letters, and the addresses tests go to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_GUIDED = sa.text("guidance IS NOT NULL")


def upgrade() -> None:
    """Make room. Letters that wait already go without the block, and nobody is held back until an owner wishes."""
    op.add_column("delivery", sa.Column("guidance", sa.String(16), nullable=True))
    op.create_index(
        "ix_delivery_guidance",
        "delivery",
        ["guidance", "subscriber_id"],
        postgresql_where=_GUIDED,
        sqlite_where=_GUIDED,
    )
    op.add_column("subscriber", sa.Column("inbox_done_at", _MOMENT, nullable=True))
    op.add_column("organisation", sa.Column("guidance_off", sa.String(40), server_default="", nullable=False))
    op.add_column("organisation", sa.Column("guidance_holdout", sa.Integer(), nullable=True))
    op.create_table(
        "seed_address",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_seed_address_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seed_address")),
        sa.UniqueConstraint("organisation_id", "address", name=op.f("uq_seed_address_organisation_id_address")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Let go of it: who said that it is done would be asked again."""
    op.drop_table("seed_address")
    op.drop_column("organisation", "guidance_holdout")
    op.drop_column("organisation", "guidance_off")
    op.drop_column("subscriber", "inbox_done_at")
    op.drop_index("ix_delivery_guidance", table_name="delivery")
    op.drop_column("delivery", "guidance")
