"""Pictures of letters, pieces to use again, and the letters of a brand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room; letters look as they did."""
    op.create_table(
        "letter_picture",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("width", "height", "size")),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("alt", sa.String(500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("letter_picture"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "snippet",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("blocks", _JSON, nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("snippet"),
        sqlite_autoincrement=True,
    )
    op.add_column(
        "organisation", sa.Column("letter_font", sa.String(32), server_default="system", nullable=False)
    )  # fmt: skip


def _keys(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f(f"fk_{table}_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("public_id", name=op.f(f"uq_{table}_public_id")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f(f"uq_{table}_organisation_id_name")),
    )


def downgrade() -> None:
    """Let go of it; the pictures themselves stay in their folder."""
    op.drop_column("organisation", "letter_font")
    op.drop_table("snippet")
    op.drop_table("letter_picture")
