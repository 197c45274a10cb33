"""Several purposes on one form, each with a box of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make room for them; every form so far has one purpose, and its button is the act."""
    op.add_column("signup_form_version", sa.Column("further", JSON, nullable=True))
    op.add_column("signup", sa.Column("list_ids", JSON, nullable=True))
    op.create_table(
        "confirmation_further_list",
        sa.Column("confirmation_id", ROW_ID, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmation_id"], ["confirmation.id"], name=op.f("fk_confirmation_further_list_confirmation_id")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_confirmation_further_list_list_id")),
        sa.PrimaryKeyConstraint("confirmation_id", "list_id", name=op.f("pk_confirmation_further_list")),
    )


def downgrade() -> None:
    """Take them away; what was ticked beside a form's own list is known to the consent events."""
    op.drop_table("confirmation_further_list")
    op.drop_column("signup", "list_ids")
    op.drop_column("signup_form_version", "further")
