"""What readers write to us, and what we answer, with the clock of each conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make room; nobody's promise is shown to the public until its owner wishes."""
    op.create_table(
        "conversation",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(40), nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        *(sa.Column(name, _ROW_ID, nullable=True) for name in ("subscriber_id", "delivery_id")),
        sa.Column("sender_key", sa.String(64), nullable=False),
        sa.Column("own_address", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("opened_at", "last_in_at")),
        sa.Column("mails_in", sa.Integer(), nullable=False),
        sa.Column("waits_since", _MOMENT, nullable=False),
        *(sa.Column(name, _MOMENT, nullable=True) for name in ("due_at", "escalated_at", "first_answer_at")),
        sa.Column("in_time", sa.Boolean(), nullable=True),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_conversation_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_conversation_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conversation_state", "conversation", ["organisation_id", "state", "waits_since"])
    op.create_index("ix_conversation_subscriber", "conversation", ["subscriber_id"])
    op.create_index("ix_conversation_sender", "conversation", ["organisation_id", "sender_key"])
    op.create_index("ix_conversation_opened_at", "conversation", ["organisation_id", "opened_at"])
    _mails()
    op.add_column("organisation", sa.Column("shows_promise", sa.Boolean(), server_default=sa.false(), nullable=False))


def _mails() -> None:
    op.create_table(
        "conversation_mail",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("conversation_id", _ROW_ID, nullable=False),
        sa.Column("direction", sa.String(32), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("message_digest", sa.String(64), nullable=False),
        *(sa.Column(name, _ROW_ID, nullable=True) for name in ("delivery_id", "feedback_event_id")),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_conversation_mail_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_mail")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_conversation_mail_conversation", "conversation_mail", ["conversation_id", "id"])
    op.create_index("ix_conversation_mail_digest", "conversation_mail", ["message_digest"])
    op.create_index("ix_conversation_mail_delivery", "conversation_mail", ["delivery_id"])
    op.create_index("ix_conversation_mail_at", "conversation_mail", ["at"])


def downgrade() -> None:
    """Let go of what was written and answered."""
    op.drop_column("organisation", "shows_promise")
    op.drop_table("conversation_mail")
    op.drop_table("conversation")
