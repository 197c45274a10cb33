"""TLS reports that are kept: whether mail to our domains could be encrypted, and at which mail server it could not.

They are about mail that comes in (RFC 8460). Only the policies of our own
domains are kept of one, and like failures at one server are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String, UniqueConstraint, delete, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import report_head, report_keeping
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, ReportKind
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import Json, UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.tls_report import Failure, PolicyResult, Report

_LONGEST_WORD = 40
# Of one policy, the failures that hit most sessions.
_MOST_FAILURES = 100


class TlsReport(Table):
    """One report; ``day`` (UTC) is the one in the middle of the time it is about."""

    __tablename__ = "tls_report"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    identity: Mapped[str] = mapped_column(String(64))
    sender: Mapped[str] = mapped_column(String(report_keeping.LONGEST_TEXT))
    report_id: Mapped[str] = mapped_column(String(report_keeping.LONGEST_TEXT))
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(Date)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)

    __table_args__ = (
        UniqueConstraint("organisation_id", "identity"),
        Index("ix_tls_report_day", "organisation_id", "day"),
    )


class TlsPolicy(Table):
    """What came of one policy of one report; ``failures`` are rows of mail server, failure type and sessions."""

    __tablename__ = "tls_policy"

    id: Mapped[int] = columns.row_id()
    report_id: Mapped[int] = mapped_column(ForeignKey("tls_report.id", ondelete="CASCADE"), index=True)
    domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    # sts, tlsa or no-policy-found.
    kind: Mapped[str] = mapped_column(String(_LONGEST_WORD))
    successful: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[list[list[Any]]] = mapped_column(Json)


def keep(session: Session, organisation_id: int, report: Report) -> Outcome:
    """Keep a report that was read, as far as it is about our domains."""
    ours = [one for one in report.policies if _is_ours(session, organisation_id, one)]
    if not ours:
        return report_keeping.not_ours(dict.fromkeys(one.policy_domain for one in report.policies))
    if clock.now() - report.end > report_keeping.KEPT:
        return report_keeping.too_old(report_keeping.KEPT)
    sessions = report.successful + report.failed + sum(one.sessions for each in ours for one in each.failures)
    if (refused := report_keeping.uncountable(sessions)) is not None:
        return refused
    sender = report.organization_name or report.contact_info.rpartition("@")[2]
    domain = min(one.policy_domain for one in ours)
    head = report_head.values(organisation_id, report, sender, domain)
    number = report_keeping.add(session, TlsReport, head)
    if number is None:
        return Duplicate(ReportKind.TLS, sender, domain)
    session.execute(insert(TlsPolicy), [{"report_id": number, **_policy(one)} for one in ours])
    counted = sum(one.successful + one.failed for one in ours)
    return Kept(ReportKind.TLS, sender, domain, report.begin, report.end, counted)


def _is_ours(session: Session, organisation_id: int, policy: PolicyResult) -> bool:
    name = report_keeping.named(policy.policy_domain)
    return name is not None and report_keeping.is_ours(session, organisation_id, name)


def _policy(one: PolicyResult) -> dict[str, Any]:
    return {
        "domain": report_keeping.named(one.policy_domain),
        "kind": one.policy_type[:_LONGEST_WORD],
        "successful": one.successful,
        "failed": one.failed,
        "failures": [[*where, sessions] for where, sessions in _folded(one.failures).most_common(_MOST_FAILURES)],
    }


def _folded(failures: Iterable[Failure]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in failures:
        server = one.receiving_mx_hostname or one.receiving_mx_helo or one.receiving_ip
        found[report_keeping.cut(server), one.result_type[:_LONGEST_WORD]] += one.sessions
    return found


@dataclass(frozen=True)
class Trouble:
    """One kind of failure (a word of RFC 8460 section 4.3) at one mail server, and how many sessions it hit."""

    server: str
    kind: str
    sessions: int


@dataclass
class Encrypted:
    """What senders said of encryption on the way to a domain."""

    senders: set[str] = field(default_factory=set)
    successful: int = 0
    failed: int = 0
    troubles: list[Trouble] = field(default_factory=list)


def encrypted(session: Session, organisation_id: int, name: str, since: date, until: date) -> Encrypted:
    """Return what came of mail to a domain or one below it, on days (UTC) from one to another; worst trouble first."""
    query = (
        select(TlsReport.sender, TlsPolicy.successful, TlsPolicy.failed, TlsPolicy.failures)
        .join(TlsPolicy, TlsPolicy.report_id == TlsReport.id)
        .where(
            TlsReport.organisation_id == organisation_id,
            TlsReport.day.between(since, until),
            report_keeping.at_or_below(TlsPolicy.domain, name),
        )
    )
    found, troubles = Encrypted(), Counter[tuple[str, str]]()
    for sender, successful, failed, failures in session.execute(query):
        found.senders.add(sender)
        found.successful += successful
        found.failed += failed
        for server, kind, sessions in failures:
            troubles[server, kind] += sessions
    found.troubles = [Trouble(*where, sessions) for where, sessions in troubles.most_common()]
    return found


def forget_past(session: Session) -> None:
    """Delete the reports whose time is over, with their policies; the timetable calls this."""
    session.execute(delete(TlsReport).where(TlsReport.ends_at < clock.now() - report_keeping.KEPT))
