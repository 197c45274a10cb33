"""Reports of receivers and senders: what is said of mail under our domains, and of encrypted mail to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make room; reports that came before were read and not kept."""
    _report(
        "dmarc_report",
        sa.Column("policy_domain", sa.String(253), nullable=False),
        sa.Column("policy", _JSON, nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
    )
    op.create_index("ix_dmarc_report_day", "dmarc_report", ["organisation_id", "day"])
    _below(
        "dmarc_row",
        "dmarc_report",
        sa.Column("source_ip", sa.String(45), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("dkim", "spf", "forwarded")),
        sa.Column("header_from", sa.String(253), nullable=False),
        sa.Column("signed_by", sa.String(63), nullable=False),
        sa.Column("signatures", _JSON, nullable=False),
        sa.Column("spf_domain", sa.String(253), nullable=False),
        sa.Column("spf_result", sa.String(32), nullable=False),
    )
    _report("tls_report")
    op.create_index("ix_tls_report_day", "tls_report", ["organisation_id", "day"])
    _below(
        "tls_policy",
        "tls_report",
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("successful", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("failures", _JSON, nullable=False),
    )
    _failures()


def _report(table: str, *own: sa.Column[object]) -> None:
    """Make the table of the heads of one kind of report."""
    op.create_table(
        table,
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("report_id", sa.String(200), nullable=False),
        *own,
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("begins_at", "ends_at")),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f(f"fk_{table}_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("organisation_id", "identity", name=op.f(f"uq_{table}_organisation_id_identity")),
        sqlite_autoincrement=True,
    )


def _below(table: str, report: str, *own: sa.Column[object]) -> None:
    """Make the table of what stands in one kind of report."""
    op.create_table(
        table,
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("report_id", _ROW_ID, nullable=False),
        *own,
        sa.ForeignKeyConstraint(
            ["report_id"], [f"{report}.id"], name=op.f(f"fk_{table}_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f(f"ix_{table}_report_id"), table, ["report_id"])


def _failures() -> None:
    op.create_table(
        "dmarc_failure",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("organisation_id", _ROW_ID, nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("sender", sa.String(200), nullable=False),
        sa.Column("domain", sa.String(253), nullable=False),
        sa.Column("source_ip", sa.String(45), nullable=False),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("auth_failure", "delivery_result")),
        sa.Column("dkim_domain", sa.String(253), nullable=False),
        sa.Column("dkim_selector", sa.String(63), nullable=False),
        sa.Column("mail_from_domain", sa.String(253), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_dmarc_failure_organisation_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dmarc_failure")),
        sa.UniqueConstraint("organisation_id", "identity", name=op.f("uq_dmarc_failure_organisation_id_identity")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dmarc_failure_received", "dmarc_failure", ["received_at"])


def downgrade() -> None:
    """Forget the reports; whoever has them still can bring them again."""
    for name in ("dmarc_failure", "tls_policy", "tls_report", "dmarc_row", "dmarc_report"):
        op.drop_table(name)
