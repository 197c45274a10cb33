"""Questions that a list asks its readers after they have joined, and the answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the three tables; nobody is asked anything yet."""
    _questions()
    _versions()
    _answers()


def _questions() -> None:
    op.create_table(
        "profile_question",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("used_for", JSON, nullable=False),
        sa.Column("asked_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_profile_question_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_question")),
        sa.UniqueConstraint("public_id", name=op.f("uq_profile_question_public_id")),
        sa.UniqueConstraint("list_id", "key", name=op.f("uq_profile_question_list_id_key")),
        sqlite_autoincrement=True,
    )


def _versions() -> None:
    op.create_table(
        "profile_question_version",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("question_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("words", JSON, nullable=False),
        sa.Column("choice_keys", JSON, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["question_id"], ["profile_question.id"], name=op.f("fk_profile_question_version_question_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_question_version")),
        sa.UniqueConstraint("question_id", "number", name=op.f("uq_profile_question_version_question_id_number")),
        sqlite_autoincrement=True,
    )


def _answers() -> None:
    op.create_table(
        "profile_answer",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=False),
        sa.Column("question_id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("value", sa.String(length=1000), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("how", sa.String(length=32), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["question_id"], ["profile_question.id"], name=op.f("fk_profile_answer_question_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_profile_answer_subscriber_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["profile_question_version.id"], name=op.f("fk_profile_answer_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_answer")),
        sa.UniqueConstraint("subscriber_id", "question_id", name=op.f("uq_profile_answer_subscriber_id_question_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_profile_answer_question", "profile_answer", ["question_id", "given_at"], unique=False)


def downgrade() -> None:
    """Take them away; what people answered goes with them."""
    op.drop_index("ix_profile_answer_question", table_name="profile_answer")
    op.drop_table("profile_answer")
    op.drop_table("profile_question_version")
    op.drop_table("profile_question")
