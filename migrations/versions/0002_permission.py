"""Permission that stands up in court: ledger, vault, checkpoints, erasure, and what the gate asks for."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE_BELTS = (
    """
    CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    # INSERT OR REPLACE deletes without the delete trigger unless recursive_triggers is on, so the insert itself is
    # checked: the next number, the hash before it, and no id that is there already. IS NOT, because NULL slips past <>.
    """
    CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger
    BEGIN
      SELECT RAISE(ABORT, 'the ledger is append-only') WHERE
        NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger WHERE organisation_id = NEW.organisation_id)
        OR NEW.prev IS NOT coalesce(
          (SELECT hash FROM ledger WHERE organisation_id = NEW.organisation_id AND seq = NEW.seq - 1), '')
        OR EXISTS (SELECT 1 FROM ledger WHERE id IS NEW.id);
    END
    """,
)
_POSTGRESQL_BELTS = (
    """
    CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """,
    """
    CREATE FUNCTION ledger_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last record;
    BEGIN
      SELECT seq, hash INTO last FROM ledger
        WHERE organisation_id = NEW.organisation_id ORDER BY seq DESC LIMIT 1;
      IF NEW.seq IS DISTINCT FROM coalesce(last.seq, 0) + 1 OR NEW.prev IS DISTINCT FROM coalesce(last.hash, '') THEN
        RAISE EXCEPTION 'the ledger is append-only';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION ledger_is_append_only()
    """,
    """
    CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()
    """,
    "CREATE TRIGGER ledger_in_order BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION ledger_goes_on()",
    "REVOKE UPDATE, DELETE, TRUNCATE ON ledger FROM PUBLIC",
)


def _put_on_seat_belts() -> None:
    for statement in _SQLITE_BELTS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_BELTS:
        op.execute(statement)


def _take_off_seat_belts() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_in_order"):
            op.execute(f"DROP TRIGGER {name}")
        return
    for name in ("ledger_no_change", "ledger_no_truncate", "ledger_in_order"):
        op.execute(f"DROP TRIGGER {name} ON ledger")
    for name in ("ledger_is_append_only", "ledger_goes_on"):
        op.execute(f"DROP FUNCTION {name}()")


def _canonical(content: dict[str, object]) -> str:
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def _name_texts_anew() -> None:
    """Name the texts and form versions that are there by the SHA-256 of their canonical JSON."""
    if op.get_context().as_sql:
        return
    bind = op.get_bind()
    texts = {}
    columns = "id, kind, language, purpose, body, button_label, withdrawal, age_statement, controller"
    for row in bind.execute(sa.text(f"SELECT {columns} FROM consent_text")).mappings().all():  # noqa: S608
        texts[row["id"]] = _canonical({name: value for name, value in row.items() if name != "id"})
        bind.execute(
            sa.text("UPDATE consent_text SET sha256 = :digest WHERE id = :id"),
            {"digest": texts[row["id"]], "id": row["id"]},
        )
    forms = sa.text(
        "SELECT v.id, f.slug, f.language, v.title, v.thank_you, v.consent_text_id "
        "FROM signup_form_version v JOIN signup_form f ON f.id = v.form_id"
    )
    for row in bind.execute(forms).mappings().all():
        content = {
            "slug": row["slug"],
            "language": row["language"],
            "title": row["title"],
            "thank_you": row["thank_you"],
            "text_sha256": texts[row["consent_text_id"]],
            "second_text_sha256": "",
            "least_age": 0,
        }
        bind.execute(
            sa.text("UPDATE signup_form_version SET sha256 = :digest WHERE id = :id"),
            {"digest": _canonical(content), "id": row["id"]},
        )


def _carry_over() -> None:
    """Give the subscriptions that are there what the gate asks for from now on; the ledger adopts them at the start."""
    op.execute(
        "UPDATE subscription SET purpose = "
        "(SELECT purpose FROM mailing_list WHERE mailing_list.id = subscription.list_id)"
    )
    op.execute(
        "UPDATE consent_event SET purpose = "
        "(SELECT purpose FROM mailing_list WHERE mailing_list.id = consent_event.list_id)"
    )
    # Every consent of before was given by the button or the code of a mail.
    op.execute(sa.text("UPDATE subscription SET double_opt_in = true WHERE basis = 'consent'"))


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "key_mark",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("journal", sa.String(length=32), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_mark")),
    )
    op.create_table(
        "access_wish",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_access_wish_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_wish")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_api_key_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_key_public_id")),
    )
    op.create_index(op.f("ix_api_key_organisation_id"), "api_key", ["organisation_id"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("public_key", sa.String(length=44), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("journaled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_checkpoint_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
        sa.UniqueConstraint("organisation_id", "size", name=op.f("uq_checkpoint_organisation_id_size")),
    )
    op.create_index("ix_checkpoint_journaled", "checkpoint", ["journaled"], unique=False)
    op.create_table(
        "erasure",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("journaled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("even_the_hash", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_erasure_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("subject_ref", name=op.f("uq_erasure_subject_ref")),
    )
    op.create_index(
        "ix_erasure_not_journaled",
        "erasure",
        ["id"],
        unique=False,
        postgresql_where=sa.text("journaled IS false"),
        sqlite_where=sa.text("journaled IS 0"),
    )
    op.create_table(
        "evidence",
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("delete_after", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_evidence_organisation_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_delete_after", "evidence", ["delete_after"], unique=False)
    op.create_index("ix_evidence_subject", "evidence", ["subject_ref"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("prev", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_ledger_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "seq", name=op.f("pk_ledger")),
        sa.UniqueConstraint("id", name=op.f("uq_ledger_id")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_subject", "ledger", ["organisation_id", "subject", "seq"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("forked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_ledger_head_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_tile",
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_ledger_tile_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", "number", name=op.f("pk_ledger_tile")),
    )
    op.create_table(
        "mail_template",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("lint_result", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_mail_template_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
        sa.UniqueConstraint("organisation_id", "sha256", name=op.f("uq_mail_template_organisation_id_sha256")),
    )
    op.create_table(
        "privacy_notice",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("controller", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_privacy_notice_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_notice")),
        sa.UniqueConstraint(
            "organisation_id", "language", "version", name=op.f("uq_privacy_notice_organisation_id_language_version")
        ),
    )
    op.create_table(
        "subject_key",
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_subject_key_organisation_id")),
        sa.PrimaryKeyConstraint("subject_ref", name=op.f("pk_subject_key")),
    )
    op.create_index(op.f("ix_subject_key_organisation_id"), "subject_key", ["organisation_id"], unique=False)
    op.create_table(
        "access_link",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=False),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("visit_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_access_link_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_link")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_access_link_token_digest")),
        sa.UniqueConstraint("visit_digest", name=op.f("uq_access_link_visit_digest")),
    )
    op.create_index(op.f("ix_access_link_subscriber_id"), "access_link", ["subscriber_id"], unique=False)
    op.create_table(
        "address_change",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=False),
        sa.Column("new_address", sa.String(length=320), nullable=False),
        sa.Column("old_address", sa.String(length=320), nullable=True),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("cancel_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sa.UniqueConstraint("cancel_digest", name=op.f("uq_address_change_cancel_digest")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_address_change_token_digest")),
    )
    op.create_index(op.f("ix_address_change_subscriber_id"), "address_change", ["subscriber_id"], unique=False)
    op.create_table(
        "evidence_request",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("asked_by", ROW_ID, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", ROW_ID, nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by"], ["studio_user.id"], name=op.f("fk_evidence_request_asked_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_evidence_request_organisation_id")
        ),
        sa.ForeignKeyConstraint(["released_by"], ["studio_user.id"], name=op.f("fk_evidence_request_released_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_request")),
        sa.UniqueConstraint("public_id", name=op.f("uq_evidence_request_public_id")),
    )
    op.create_index("ix_evidence_request_subject", "evidence_request", ["organisation_id", "subject_ref"], unique=False)
    op.create_table(
        "import_batch",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("operator", sa.String(length=80), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("place", sa.String(length=1024), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("opt_outs_place", sa.String(length=1024), nullable=False),
        sa.Column("opt_outs_sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("source_title", sa.String(length=80), nullable=False),
        sa.Column("claimed_basis", sa.String(length=32), nullable=False),
        sa.Column("claimed_origin", sa.String(length=500), nullable=False),
        sa.Column("claimed_method", sa.String(length=200), nullable=False),
        sa.Column("claimed_text", sa.Text(), nullable=False),
        sa.Column("claimed_date", sa.String(length=200), nullable=False),
        sa.Column("last_letter_on", sa.String(length=10), nullable=False),
        sa.Column("attestation", sa.Text(), nullable=False),
        sa.Column("no_opt_outs", sa.Boolean(), nullable=False),
        sa.Column("date_order", sa.String(length=3), nullable=False),
        sa.Column("mapping", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("kept_columns", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("statement_sha256", sa.String(length=64), nullable=False),
        sa.Column("forecast", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("at_pass", sa.Integer(), nullable=False),
        sa.Column("at_part", sa.Integer(), nullable=False),
        sa.Column("at_row", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_import_batch_list_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_import_batch_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_import_batch_public_id")),
    )
    op.create_index("ix_import_batch_list_file", "import_batch", ["list_id", "file_sha256"], unique=False)
    op.create_index(op.f("ix_import_batch_organisation_id"), "import_batch", ["organisation_id"], unique=False)
    op.create_table(
        "kept_answer",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("api_key_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_key.id"], name=op.f("fk_kept_answer_api_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answer")),
        sa.UniqueConstraint("api_key_id", "name", name=op.f("uq_kept_answer_api_key_id_name")),
    )
    op.create_index(op.f("ix_kept_answer_created_at"), "kept_answer", ["created_at"], unique=False)
    op.create_table(
        "leaving_reason",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("words", sa.String(length=500), server_default="", nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_leaving_reason_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaving_reason")),
    )
    op.create_index("ix_leaving_reason_list", "leaving_reason", ["list_id", "day"], unique=False)
    op.create_table(
        "import_row",
        sa.Column("batch_id", ROW_ID, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("evidence_commit", sa.String(length=64), nullable=False),
        sa.Column("evidenced", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("previous", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=op.f("fk_import_row_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "part", "row", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_subject", "import_row", ["subject_ref"], unique=False)
    op.add_column("campaign", sa.Column("category", sa.String(length=80), nullable=True))
    op.add_column("campaign", sa.Column("important", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("confirmation", sa.Column("asked_seq", sa.BigInteger(), nullable=True))
    op.add_column("confirmation", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("confirmation", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("confirmation", sa.Column("age_ok", sa.Boolean(), nullable=True))
    op.add_column("consent_event", sa.Column("ledger_seq", sa.BigInteger(), nullable=True))
    op.add_column("consent_event", sa.Column("ledger_id", sa.String(length=32), nullable=True))
    op.add_column(
        "consent_event", sa.Column("actor", sa.String(length=80), server_default="subscriber", nullable=False)
    )
    op.add_column("consent_event", sa.Column("basis", sa.String(length=32), server_default="", nullable=False))
    op.add_column("consent_event", sa.Column("purpose", sa.String(length=64), server_default="", nullable=False))
    op.create_index("uq_consent_event_ledger_id", "consent_event", ["ledger_id"], unique=True)
    op.add_column("consent_text", sa.Column("kind", sa.String(32), server_default="newsletter", nullable=False))
    op.add_column(
        "consent_text", sa.Column("purpose", sa.String(length=64), server_default="newsletter", nullable=False)
    )
    op.add_column("consent_text", sa.Column("age_statement", sa.Text(), server_default="", nullable=False))
    op.add_column("consent_text", sa.Column("ledger_seq", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("grant_seq", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("gate_head_seq", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("template_sha256", sa.String(length=64), nullable=True))
    op.add_column("delivery", sa.Column("notice", sa.String(32), nullable=True))
    op.add_column("delivery", sa.Column("notice_id", ROW_ID, nullable=True))
    op.add_column(
        "mailing_list", sa.Column("jurisdiction", sa.String(length=16), server_default="strictest", nullable=False)
    )
    op.add_column("mailing_list", sa.Column("least_age", sa.Integer(), server_default="0", nullable=False))
    op.add_column("mailing_list", sa.Column("merged_into_id", ROW_ID, nullable=True))
    op.add_column(
        "organisation", sa.Column("retention_preset", sa.String(length=32), server_default="DK-6m", nullable=False)
    )
    op.add_column("organisation", sa.Column("retention_reason", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "organisation", sa.Column("evidence_needs_two", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("signup", sa.Column("age_ok", sa.Boolean(), nullable=True))
    op.add_column("signup_form_version", sa.Column("second_text_id", ROW_ID, nullable=True))
    op.add_column("signup_form_version", sa.Column("least_age", sa.Integer(), nullable=True))
    op.add_column("signup_form_version", sa.Column("notice_sha256", sa.String(length=64), nullable=True))
    op.add_column("signup_form_version", sa.Column("ledger_seq", sa.BigInteger(), nullable=True))
    op.add_column("subscription", sa.Column("ledger_seq", sa.BigInteger(), nullable=True))
    op.add_column("subscription", sa.Column("purpose", sa.String(length=64), server_default="", nullable=False))
    op.add_column("subscription", sa.Column("double_opt_in", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("subscription", sa.Column("second_consent_event_id", ROW_ID, nullable=True))
    op.add_column("subscription", sa.Column("age_ok", sa.Boolean(), nullable=True))
    op.add_column(
        "subscription",
        sa.Column(
            "categories", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), server_default="[]", nullable=False
        ),
    )
    op.add_column("subscription", sa.Column("turned_seq", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("subscription", sa.Column("first_use_deadline", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscription", sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscription", sa.Column("snooze_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subscription", sa.Column("frequency", sa.String(32), server_default="all", nullable=False))
    op.add_column(
        "subscription",
        sa.Column(
            "topics", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), server_default="[]", nullable=False
        ),
    )
    op.add_column("subscription", sa.Column("import_id", ROW_ID, nullable=True))
    op.add_column("suppression", sa.Column("actor", sa.String(length=80), server_default="subscriber", nullable=False))
    op.add_column("suppression", sa.Column("journaled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_suppression_not_journaled",
        "suppression",
        ["id"],
        unique=False,
        postgresql_where=sa.text("journaled IS false"),
        sqlite_where=sa.text("journaled IS 0"),
    )
    _name_texts_anew()
    _carry_over()
    _put_on_seat_belts()


def downgrade() -> None:
    """Take back; what the ledger proves is lost with it."""
    _take_off_seat_belts()
    op.drop_index(
        "ix_suppression_not_journaled",
        table_name="suppression",
        postgresql_where=sa.text("journaled IS false"),
        sqlite_where=sa.text("journaled IS 0"),
    )
    op.drop_column("suppression", "journaled")
    op.drop_column("suppression", "actor")
    op.drop_column("subscription", "import_id")
    op.drop_column("subscription", "topics")
    op.drop_column("subscription", "frequency")
    op.drop_column("subscription", "snooze_until")
    op.drop_column("subscription", "last_contact_at")
    op.drop_column("subscription", "first_use_deadline")
    op.drop_column("subscription", "turned_seq")
    op.drop_column("subscription", "categories")
    op.drop_column("subscription", "age_ok")
    op.drop_column("subscription", "second_consent_event_id")
    op.drop_column("subscription", "double_opt_in")
    op.drop_column("subscription", "purpose")
    op.drop_column("subscription", "ledger_seq")
    op.drop_column("signup_form_version", "ledger_seq")
    op.drop_column("signup_form_version", "notice_sha256")
    op.drop_column("signup_form_version", "least_age")
    op.drop_column("signup_form_version", "second_text_id")
    op.drop_column("signup", "age_ok")
    op.drop_column("organisation", "evidence_needs_two")
    op.drop_column("organisation", "retention_reason")
    op.drop_column("organisation", "retention_preset")
    op.drop_column("mailing_list", "merged_into_id")
    op.drop_column("mailing_list", "least_age")
    op.drop_column("mailing_list", "jurisdiction")
    op.drop_column("delivery", "notice_id")
    op.drop_column("delivery", "notice")
    op.drop_column("delivery", "template_sha256")
    op.drop_column("delivery", "gate_head_seq")
    op.drop_column("delivery", "grant_seq")
    op.drop_column("consent_text", "ledger_seq")
    op.drop_column("consent_text", "age_statement")
    op.drop_column("consent_text", "purpose")
    op.drop_column("consent_text", "kind")
    op.drop_index("uq_consent_event_ledger_id", table_name="consent_event")
    op.drop_column("consent_event", "purpose")
    op.drop_column("consent_event", "basis")
    op.drop_column("consent_event", "actor")
    op.drop_column("consent_event", "ledger_id")
    op.drop_column("consent_event", "ledger_seq")
    op.drop_column("confirmation", "age_ok")
    op.drop_column("confirmation", "reminded_at")
    op.drop_column("confirmation", "accepted_at")
    op.drop_column("confirmation", "asked_seq")
    op.drop_column("campaign", "important")
    op.drop_column("campaign", "category")
    op.drop_index("ix_import_row_subject", table_name="import_row")
    op.drop_table("import_row")
    op.drop_index("ix_leaving_reason_list", table_name="leaving_reason")
    op.drop_table("leaving_reason")
    op.drop_index(op.f("ix_kept_answer_created_at"), table_name="kept_answer")
    op.drop_table("kept_answer")
    op.drop_index(op.f("ix_import_batch_organisation_id"), table_name="import_batch")
    op.drop_index("ix_import_batch_list_file", table_name="import_batch")
    op.drop_table("import_batch")
    op.drop_index("ix_evidence_request_subject", table_name="evidence_request")
    op.drop_table("evidence_request")
    op.drop_index(op.f("ix_address_change_subscriber_id"), table_name="address_change")
    op.drop_table("address_change")
    op.drop_index(op.f("ix_access_link_subscriber_id"), table_name="access_link")
    op.drop_table("access_link")
    op.drop_index(op.f("ix_subject_key_organisation_id"), table_name="subject_key")
    op.drop_table("subject_key")
    op.drop_table("privacy_notice")
    op.drop_table("mail_template")
    op.drop_table("ledger_tile")
    op.drop_table("ledger_head")
    op.drop_index("ix_ledger_subject", table_name="ledger")
    op.drop_table("ledger")
    op.drop_index("ix_evidence_subject", table_name="evidence")
    op.drop_index("ix_evidence_delete_after", table_name="evidence")
    op.drop_table("evidence")
    op.drop_index(
        "ix_erasure_not_journaled",
        table_name="erasure",
        postgresql_where=sa.text("journaled IS false"),
        sqlite_where=sa.text("journaled IS 0"),
    )
    op.drop_table("erasure")
    op.drop_index("ix_checkpoint_journaled", table_name="checkpoint")
    op.drop_table("checkpoint")
    op.drop_index(op.f("ix_api_key_organisation_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("access_wish")
    op.drop_table("key_mark")
