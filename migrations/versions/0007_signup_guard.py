"""The ladder before a sign-up form: mailboxes asked, things spent, forms defended, domains that take no mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _spent() -> None:
    op.create_table(
        "spent",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent")),
    )
    op.create_index(op.f("ix_spent_forgotten_at"), "spent", ["forgotten_at"], unique=False)


def _mailbox_asked() -> None:
    op.create_table(
        "mailbox_asked",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("brake_key", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox_asked")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mailbox_asked_brake_key", "mailbox_asked", ["brake_key", "asked_at"], unique=False)
    # Whom the brake holds today, it holds tomorrow.
    for column in ("created_at", "reminded_at"):
        op.execute(
            f"INSERT INTO mailbox_asked (brake_key, asked_at) SELECT brake_key, {column} FROM confirmation "  # noqa: S608
            f"WHERE {column} IS NOT NULL"
        )


def _signup_defence() -> None:
    op.create_table(
        "signup_defence",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("form_id", ROW_ID, nullable=True),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=80), server_default="breaker", nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_signup_defence_organisation_id")
        ),
        sa.ForeignKeyConstraint(["form_id"], ["signup_form.id"], name=op.f("fk_signup_defence_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup_defence")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_signup_defence_organisation_id"), "signup_defence", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_signup_defence_form_id"), "signup_defence", ["form_id"], unique=False)


def _mail_host() -> None:
    op.create_table(
        "mail_host",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("believed_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_mail_host")),
    )
    op.create_index(op.f("ix_mail_host_believed_until"), "mail_host", ["believed_until"], unique=False)


def upgrade() -> None:
    """Make the tables; what was asked of late counts on."""
    _spent()
    _mailbox_asked()
    _signup_defence()
    _mail_host()
    op.add_column("confirmation", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_confirmation_form_version", "confirmation", ["form_version_id", "created_at"], unique=False)
    op.add_column("signup", sa.Column("marks", JSON, server_default="[]", nullable=False))


def downgrade() -> None:
    """Take them away."""
    op.drop_column("signup", "marks")
    op.drop_index("ix_confirmation_form_version", table_name="confirmation")
    op.drop_column("confirmation", "bounced_at")
    op.drop_table("mail_host")
    op.drop_table("signup_defence")
    op.drop_table("mailbox_asked")
    op.drop_table("spent")
