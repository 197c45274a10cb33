"""Notices of what is out of order, with what was promised to be told next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make room; no letter is about a notice until one is told."""
    op.create_table(
        "status_notice",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("list_id", _ROW_ID, nullable=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("owner_user_id", _ROW_ID, nullable=True),
        sa.Column("owner_name", sa.String(120), nullable=False),
        sa.Column("affected", sa.String(32), nullable=False),
        sa.Column("affects", sa.String(300), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT, nullable=True) for name in ("next_update_at", "alarmed_at", "resolved_at")),
        sa.Column("request_key", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_status_notice_organisation_id")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_status_notice_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_notice")),
        sa.UniqueConstraint("public_id", name=op.f("uq_status_notice_public_id")),
        sa.UniqueConstraint("request_key", name=op.f("uq_status_notice_request_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_status_notice_state", "status_notice", ["organisation_id", "state", "next_update_at"])
    _updates()
    op.add_column("campaign", sa.Column("notice_id", _ROW_ID, nullable=True))


def _updates() -> None:
    op.create_table(
        "status_update",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("notice_id", _ROW_ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("next_update_at", _MOMENT, nullable=True),
        sa.Column("campaign_id", _ROW_ID, nullable=True),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["status_notice.id"], name=op.f("fk_status_update_notice_id")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_status_update_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_update")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_status_update_notice", "status_update", ["notice_id", "id"])


def downgrade() -> None:
    """Let go of what was told, and of what was promised."""
    op.drop_column("campaign", "notice_id")
    op.drop_table("status_update")
    op.drop_table("status_notice")
