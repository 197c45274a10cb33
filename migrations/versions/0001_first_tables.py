"""The first tables: organisation, lists, consent, campaigns, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts rows only in INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fact",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("subject_id", ROW_ID, nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact")),
    )
    op.create_index(
        "ix_fact_waiting",
        "fact",
        ["lane", "id"],
        unique=False,
        postgresql_where=sa.text("reacted_at IS NULL"),
        sqlite_where=sa.text("reacted_at IS NULL"),
    )
    op.create_table(
        "incident",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("legal_name", sa.String(length=200), nullable=False),
        sa.Column("postal_address", sa.Text(), nullable=False),
        sa.Column("from_name", sa.String(length=200), nullable=False),
        sa.Column("from_address", sa.String(length=320), nullable=False),
        sa.Column("website", sa.String(length=500), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("brand_colour", sa.String(length=7), nullable=False),
        sa.Column("logo", sa.String(length=120), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("public_id", name=op.f("uq_organisation_public_id")),
    )
    op.create_table(
        "throttle_window",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "starts_at", name=op.f("pk_throttle_window")),
    )
    op.create_index(op.f("ix_throttle_window_ends_at"), "throttle_window", ["ends_at"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_audit_entry_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_organisation_id"), "audit_entry", ["organisation_id"], unique=False)
    op.create_table(
        "mailing_list",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_mailing_list_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_list")),
        sa.UniqueConstraint("organisation_id", "slug", name=op.f("uq_mailing_list_organisation_id_slug")),
        sa.UniqueConstraint("public_id", name=op.f("uq_mailing_list_public_id")),
    )
    op.create_table(
        "sending_domain",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("selector", sa.String(length=63), nullable=False),
        sa.Column("signing", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("last_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_sending_domain_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_domain")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_sending_domain_organisation_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sending_domain_public_id")),
    )
    op.create_table(
        "studio_user",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=True),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("fs_webauthn_user_handle", sa.String(length=64), nullable=False),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.Text(), nullable=True),
        sa.Column("tf_last_counter", ROW_ID, nullable=True),
        sa.Column("mf_recovery_codes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_studio_user_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studio_user")),
        sa.UniqueConstraint("address", name=op.f("uq_studio_user_address")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_studio_user_fs_uniquifier")),
        sa.UniqueConstraint("fs_webauthn_user_handle", name=op.f("uq_studio_user_fs_webauthn_user_handle")),
        sa.UniqueConstraint("public_id", name=op.f("uq_studio_user_public_id")),
    )
    op.create_index(op.f("ix_studio_user_organisation_id"), "studio_user", ["organisation_id"], unique=False)
    op.create_table(
        "subscriber",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("email_send", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("suppression_key", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("profile", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("restricted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_subscriber_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("organisation_id", "email_key", name=op.f("uq_subscriber_organisation_id_email_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_subscriber_public_id")),
        sa.UniqueConstraint("subject_ref", name=op.f("uq_subscriber_subject_ref")),
    )
    op.create_index("ix_subscriber_suppression_key", "subscriber", ["organisation_id", "suppression_key"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_suppression_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index("ix_suppression_key", "suppression", ["organisation_id", "key"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sent_revision_id", ROW_ID, nullable=True),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_campaign_list_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_campaign_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("public_id", name=op.f("uq_campaign_public_id")),
    )
    op.create_index(op.f("ix_campaign_organisation_id"), "campaign", ["organisation_id"], unique=False)
    op.create_table(
        "consent_text",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("button_label", sa.String(length=120), nullable=False),
        sa.Column("withdrawal", sa.Text(), nullable=False),
        sa.Column("controller", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_consent_text_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
        sa.UniqueConstraint("list_id", "language", "version", name=op.f("uq_consent_text_list_id_language_version")),
    )
    op.create_table(
        "dkim_key",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("sending_domain_id", ROW_ID, nullable=False),
        sa.Column("selector", sa.String(length=63), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sending_domain_id"], ["sending_domain.id"], name=op.f("fk_dkim_key_sending_domain_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkim_key")),
        sa.UniqueConstraint("sending_domain_id", "selector", name=op.f("uq_dkim_key_sending_domain_id_selector")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", ROW_ID, nullable=False),
        sa.Column("transports", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.String(length=64), nullable=False),
        sa.Column("extensions", sa.String(length=255), nullable=True),
        sa.Column("usage", sa.String(length=64), nullable=False),
        sa.Column("lastuse_datetime", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["studio_user.id"], name=op.f("fk_passkey_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_passkey_user_id_name")),
    )
    op.create_index(op.f("ix_passkey_user_id"), "passkey", ["user_id"], unique=False)
    op.create_table(
        "sign_in_link",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ROW_ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["studio_user.id"], name=op.f("fk_sign_in_link_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_link_digest")),
    )
    op.create_index(op.f("ix_sign_in_link_user_id"), "sign_in_link", ["user_id"], unique=False)
    op.create_table(
        "signup_form",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_signup_form_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup_form")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signup_form_public_id")),
        sa.UniqueConstraint("slug", name=op.f("uq_signup_form_slug")),
    )
    op.create_index(op.f("ix_signup_form_list_id"), "signup_form", ["list_id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("compiled", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("compiled_for", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_revision_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_revision_campaign_id_number")),
    )
    op.create_table(
        "signup_form_version",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("form_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("consent_text_id", ROW_ID, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("thank_you", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_text_id"], ["consent_text.id"], name=op.f("fk_signup_form_version_consent_text_id")
        ),
        sa.ForeignKeyConstraint(["form_id"], ["signup_form.id"], name=op.f("fk_signup_form_version_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup_form_version")),
        sa.UniqueConstraint("form_id", "version", name=op.f("uq_signup_form_version_form_id_version")),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("form_version_id", ROW_ID, nullable=False),
        sa.Column("signup_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("seed", sa.String(length=32), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("code_digest", sa.String(length=64), nullable=False),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.Column("visit_digest", sa.String(length=64), nullable=False),
        sa.Column("brake_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["form_version_id"], ["signup_form_version.id"], name=op.f("fk_confirmation_form_version_id")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_confirmation_list_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_confirmation_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_confirmation_token_digest")),
    )
    op.create_index("ix_confirmation_brake_key", "confirmation", ["brake_key", "created_at"], unique=False)
    op.create_index(op.f("ix_confirmation_signup_id"), "confirmation", ["signup_id"], unique=False)
    op.create_index(op.f("ix_confirmation_subscriber_id"), "confirmation", ["subscriber_id"], unique=False)
    op.create_index(op.f("ix_confirmation_visit_digest"), "confirmation", ["visit_digest"], unique=False)
    op.create_table(
        "consent_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("subject_ref", sa.String(length=32), nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_text_id", ROW_ID, nullable=True),
        sa.Column("form_version_id", ROW_ID, nullable=True),
        sa.Column("signup_id", ROW_ID, nullable=True),
        sa.Column("delivery_id", ROW_ID, nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_text_id"], ["consent_text.id"], name=op.f("fk_consent_event_consent_text_id")
        ),
        sa.ForeignKeyConstraint(
            ["form_version_id"], ["signup_form_version.id"], name=op.f("fk_consent_event_form_version_id")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_consent_event_list_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_consent_event_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
    )
    op.create_index(op.f("ix_consent_event_organisation_id"), "consent_event", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_consent_event_signup_id"), "consent_event", ["signup_id"], unique=False)
    op.create_index(op.f("ix_consent_event_subject_ref"), "consent_event", ["subject_ref"], unique=False)
    op.create_table(
        "signup",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("form_version_id", ROW_ID, nullable=False),
        sa.Column("email_send", sa.String(length=320), nullable=False),
        sa.Column("visit_digest", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=True),
        sa.Column("origin", sa.String(length=300), nullable=True),
        sa.Column("utm", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("browser", sa.String(length=300), nullable=True),
        sa.Column("decision", sa.String(32), nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["form_version_id"], ["signup_form_version.id"], name=op.f("fk_signup_form_version_id")
        ),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_signup_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup")),
        sa.UniqueConstraint(
            "form_version_id", "idempotency_key", name=op.f("uq_signup_form_version_id_idempotency_key")
        ),
        sa.UniqueConstraint("visit_digest", name=op.f("uq_signup_visit_digest")),
    )
    op.create_index(op.f("ix_signup_form_version_id"), "signup", ["form_version_id"], unique=False)
    op.create_index(op.f("ix_signup_subscriber_id"), "signup", ["subscriber_id"], unique=False)
    op.create_table(
        "confirmation_later_page",
        sa.Column("visit_digest", sa.String(length=64), nullable=False),
        sa.Column("confirmation_id", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["confirmation_id"], ["confirmation.id"], name=op.f("fk_confirmation_later_page_confirmation_id")
        ),
        sa.PrimaryKeyConstraint("visit_digest", name=op.f("pk_confirmation_later_page")),
    )
    op.create_index(
        op.f("ix_confirmation_later_page_confirmation_id"), "confirmation_later_page", ["confirmation_id"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", ROW_ID, nullable=False),
        sa.Column("message_class", sa.String(32), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("occasion", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("campaign_id", ROW_ID, nullable=True),
        sa.Column("revision_id", ROW_ID, nullable=True),
        sa.Column("subscriber_id", ROW_ID, nullable=True),
        sa.Column("list_id", ROW_ID, nullable=True),
        sa.Column("confirmation_id", ROW_ID, nullable=True),
        sa.Column("typed_address", sa.String(length=320), nullable=True),
        sa.Column("letters_before", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_event_id", ROW_ID, nullable=True),
        sa.Column("gate_rule_version", sa.Integer(), nullable=True),
        sa.Column("refusal_code", sa.String(32), nullable=True),
        sa.Column("message_id", sa.String(length=200), nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("reply_text", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_delivery_campaign_id")),
        sa.ForeignKeyConstraint(["confirmation_id"], ["confirmation.id"], name=op.f("fk_delivery_confirmation_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_delivery_list_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_delivery_organisation_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_delivery_revision_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_delivery_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("occasion", name=op.f("uq_delivery_occasion")),
    )
    op.create_index("ix_delivery_campaign_state", "delivery", ["campaign_id", "state"], unique=False)
    op.create_index("ix_delivery_subscriber", "delivery", ["subscriber_id"], unique=False)
    op.create_index(
        "ix_delivery_under_way",
        "delivery",
        ["worker"],
        unique=False,
        postgresql_where=sa.text("state IN ('leased', 'handed')"),
        sqlite_where=sa.text("state IN ('leased', 'handed')"),
    )
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["lane", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'deferred')"),
        sqlite_where=sa.text("state IN ('queued', 'deferred')"),
    )
    op.create_index("uq_delivery_campaign_subscriber", "delivery", ["campaign_id", "subscriber_id"], unique=True)
    op.create_table(
        "subscription",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", ROW_ID, nullable=False),
        sa.Column("list_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("basis", sa.String(32), nullable=False),
        sa.Column("consent_event_id", ROW_ID, nullable=True),
        sa.Column("consent_text_id", ROW_ID, nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["consent_event_id"], ["consent_event.id"], name=op.f("fk_subscription_consent_event_id")
        ),
        sa.ForeignKeyConstraint(["consent_text_id"], ["consent_text.id"], name=op.f("fk_subscription_consent_text_id")),
        sa.ForeignKeyConstraint(["list_id"], ["mailing_list.id"], name=op.f("fk_subscription_list_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscription_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("subscriber_id", "list_id", name=op.f("uq_subscription_subscriber_id_list_id")),
    )
    op.create_index("ix_subscription_consent_event", "subscription", ["consent_event_id"], unique=False)
    op.create_index("ix_subscription_list_state", "subscription", ["list_id", "state", "subscriber_id"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_subscription_list_state", table_name="subscription")
    op.drop_index("ix_subscription_consent_event", table_name="subscription")
    op.drop_table("subscription")
    op.drop_index("uq_delivery_campaign_subscriber", table_name="delivery")
    op.drop_index(
        "ix_delivery_waiting",
        table_name="delivery",
        postgresql_where=sa.text("state IN ('queued', 'deferred')"),
        sqlite_where=sa.text("state IN ('queued', 'deferred')"),
    )
    op.drop_index(
        "ix_delivery_under_way",
        table_name="delivery",
        postgresql_where=sa.text("state IN ('leased', 'handed')"),
        sqlite_where=sa.text("state IN ('leased', 'handed')"),
    )
    op.drop_index("ix_delivery_subscriber", table_name="delivery")
    op.drop_index("ix_delivery_campaign_state", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(op.f("ix_confirmation_later_page_confirmation_id"), table_name="confirmation_later_page")
    op.drop_table("confirmation_later_page")
    op.drop_index(op.f("ix_signup_subscriber_id"), table_name="signup")
    op.drop_index(op.f("ix_signup_form_version_id"), table_name="signup")
    op.drop_table("signup")
    op.drop_index(op.f("ix_consent_event_subject_ref"), table_name="consent_event")
    op.drop_index(op.f("ix_consent_event_signup_id"), table_name="consent_event")
    op.drop_index(op.f("ix_consent_event_organisation_id"), table_name="consent_event")
    op.drop_table("consent_event")
    op.drop_index(op.f("ix_confirmation_visit_digest"), table_name="confirmation")
    op.drop_index(op.f("ix_confirmation_subscriber_id"), table_name="confirmation")
    op.drop_index(op.f("ix_confirmation_signup_id"), table_name="confirmation")
    op.drop_index("ix_confirmation_brake_key", table_name="confirmation")
    op.drop_table("confirmation")
    op.drop_table("signup_form_version")
    op.drop_table("revision")
    op.drop_index(op.f("ix_signup_form_list_id"), table_name="signup_form")
    op.drop_table("signup_form")
    op.drop_index(op.f("ix_sign_in_link_user_id"), table_name="sign_in_link")
    op.drop_table("sign_in_link")
    op.drop_index(op.f("ix_passkey_user_id"), table_name="passkey")
    op.drop_table("passkey")
    op.drop_table("dkim_key")
    op.drop_table("consent_text")
    op.drop_index(op.f("ix_campaign_organisation_id"), table_name="campaign")
    op.drop_table("campaign")
    op.drop_index("ix_suppression_key", table_name="suppression")
    op.drop_table("suppression")
    op.drop_index("ix_subscriber_suppression_key", table_name="subscriber")
    op.drop_table("subscriber")
    op.drop_index(op.f("ix_studio_user_organisation_id"), table_name="studio_user")
    op.drop_table("studio_user")
    op.drop_table("sending_domain")
    op.drop_table("mailing_list")
    op.drop_index(op.f("ix_audit_entry_organisation_id"), table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index(op.f("ix_throttle_window_ends_at"), table_name="throttle_window")
    op.drop_table("throttle_window")
    op.drop_table("organisation")
    op.drop_table("incident")
    op.drop_index(
        "ix_fact_waiting",
        table_name="fact",
        postgresql_where=sa.text("reacted_at IS NULL"),
        sqlite_where=sa.text("reacted_at IS NULL"),
    )
    op.drop_table("fact")
