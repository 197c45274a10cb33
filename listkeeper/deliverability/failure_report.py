"""Failure reports of DMARC that are kept: that one message failed, where it came from, and why (RFC 9991).

Such a report is about a mail of one person to another. Nothing of that mail is
kept: no address, no subject, no header; and what is kept is deleted after
thirty days.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import report_keeping
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, ReportKind
from listkeeper.foundation import clock, columns, log
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.dmarc_failure_report import FailureReport

_LONGEST_WORD = 32
_LONGEST_SELECTOR = 63


class DmarcFailure(Table):
    """One message that failed; ``sender`` is the program that reports it, ``arrived_at`` when the message came."""

    __tablename__ = "dmarc_failure"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    identity: Mapped[str] = mapped_column(String(64))
    sender: Mapped[str] = mapped_column(String(report_keeping.LONGEST_TEXT))
    domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    source_ip: Mapped[str] = mapped_column(String(45))
    auth_failure: Mapped[str] = mapped_column(String(_LONGEST_WORD))
    delivery_result: Mapped[str] = mapped_column(String(_LONGEST_WORD))
    dkim_domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    dkim_selector: Mapped[str] = mapped_column(String(_LONGEST_SELECTOR))
    # Of the envelope's sender the domain alone.
    mail_from_domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)

    __table_args__ = (
        UniqueConstraint("organisation_id", "identity"),
        Index("ix_dmarc_failure_received", "received_at"),
    )


def keep(session: Session, organisation_id: int, report: FailureReport, data: bytes) -> Outcome:
    """Keep what matters of a report that was read; ``data`` is the report as it came, by which it is known again."""
    domain = report_keeping.named(report.reported_domain)
    if domain is None or not report_keeping.is_ours(session, organisation_id, domain):
        return report_keeping.not_ours([report.reported_domain])
    now, arrived = clock.now(), report.arrival_date
    if arrived is not None and now - arrived > report_keeping.FAILURES_KEPT:
        return report_keeping.too_old(report_keeping.FAILURES_KEPT)
    sender = log.mask(report.user_agent)
    values = {
        "organisation_id": organisation_id,
        "identity": hashlib.sha256(data).hexdigest(),
        "sender": report_keeping.cut(sender),
        "domain": domain,
        "source_ip": str(report.source_ip or ""),
        "auth_failure": log.mask(report.auth_failure)[:_LONGEST_WORD],
        "delivery_result": log.mask(report.delivery_result)[:_LONGEST_WORD],
        "dkim_domain": log.mask(report.dkim_domain)[: report_keeping.LONGEST_NAME],
        "dkim_selector": log.mask(report.dkim_selector)[:_LONGEST_SELECTOR],
        "mail_from_domain": _domain(report.original_mail_from),
        "arrived_at": arrived,
        "received_at": now,
    }
    if report_keeping.add(session, DmarcFailure, values) is None:
        return Duplicate(ReportKind.FAILURE, sender, domain)
    return Kept(ReportKind.FAILURE, sender, domain, arrived, arrived, 1)


def _domain(mail_from: str) -> str:
    return mail_from.strip("<> ").rpartition("@")[2].lower()[: report_keeping.LONGEST_NAME] if "@" in mail_from else ""


def newest(session: Session, organisation_id: int, name: str, most: int) -> list[DmarcFailure]:
    """Return the failures under a domain, those that were reported last first."""
    query = (
        select(DmarcFailure)
        .where(DmarcFailure.organisation_id == organisation_id, report_keeping.at_or_below(DmarcFailure.domain, name))
        .order_by(DmarcFailure.id.desc())
    )
    return list(session.scalars(query.limit(most)))


def forget_past(session: Session) -> None:
    """Delete what is older than thirty days, counted from when it came; the timetable calls this."""
    over = clock.now() - report_keeping.FAILURES_KEPT
    session.execute(delete(DmarcFailure).where(DmarcFailure.received_at < over))
