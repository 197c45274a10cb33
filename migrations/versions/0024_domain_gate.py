"""Checks of sending domains one after the other, and letters that left in spite of what blocked them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_TO_GMAIL = sa.text("provider = 'gmail' AND state IN ('accepted', 'bounced')")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make room; what was checked before stands at the domain itself."""
    op.add_column("campaign", sa.Column("overrides", _JSON, nullable=True))
    for name in ("seen_at", "retired_at", "revoked_at"):
        op.add_column("dkim_key", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "domain_check",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("sending_domain_id", _ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worst", sa.String(32), nullable=False),
        sa.Column("findings", _JSON, nullable=False),
        sa.Column("records", _JSON, nullable=False),
        sa.Column("changes", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_domain_id"],
            ["sending_domain.id"],
            name=op.f("fk_domain_check_sending_domain_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domain_check")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_domain_check_domain", "domain_check", ["sending_domain_id", "id"])
    for name in ("told", "request"):
        op.add_column("sending_domain", sa.Column(name, _JSON, nullable=True))
    # What receivers said of a mail of this domain, and since when Gmail counts it among those who send much.
    op.add_column("sending_domain", sa.Column("proof", _JSON, nullable=True))
    op.add_column("sending_domain", sa.Column("bulk_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_delivery_to_gmail", "delivery", ["handed_at"], postgresql_where=_TO_GMAIL, sqlite_where=_TO_GMAIL
    )


def downgrade() -> None:
    """Forget the checks but the newest of each domain, and the reasons."""
    op.drop_index("ix_delivery_to_gmail", table_name="delivery")
    op.drop_column("sending_domain", "bulk_since")
    op.drop_column("sending_domain", "proof")
    for name in ("request", "told"):
        op.drop_column("sending_domain", name)
    op.drop_table("domain_check")
    for name in ("revoked_at", "retired_at", "seen_at"):
        op.drop_column("dkim_key", name)
    op.drop_column("campaign", "overrides")
