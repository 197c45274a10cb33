"""Aggregate reports of DMARC that are kept: what each receiver saw of mail under our domains, row by row.

They come from strangers (``standards.dmarc_report`` reads them), and anybody
may send one: a report is what somebody says, never a proof. A report is known
again by its sender, its id and its domain; the second time it is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    cast,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.deliverability import report_head, report_keeping
from listkeeper.deliverability.report_keeping import Duplicate, Kept, Outcome, ReportKind
from listkeeper.foundation import clock, columns
from listkeeper.foundation.columns import Json, UtcDateTime
from listkeeper.foundation.table import Table
from listkeeper.standards.dmarc_report import Policy, Report
from listkeeper.standards.dmarc_row import Row

_PASS = "pass"  # noqa: S105 - no password
_LONGEST_WORD = 32
_LONGEST_SELECTOR = 63
_MOST_SIGNATURES = 5
_AT_ONCE = 1_000
# Reasons of RFC 7489 and RFC 9990 by which a receiver says: somebody passed this on.
_PASSED_ON = frozenset({"forwarded", "trusted_forwarder", "mailing_list"})


class DmarcReport(Table):
    """One report; ``day`` (UTC) is the one in the middle of the time it is about, ``policy`` what its sender found."""

    __tablename__ = "dmarc_report"

    id: Mapped[int] = columns.row_id()
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    identity: Mapped[str] = mapped_column(String(64))
    sender: Mapped[str] = mapped_column(String(report_keeping.LONGEST_TEXT))
    report_id: Mapped[str] = mapped_column(String(report_keeping.LONGEST_TEXT))
    policy_domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    policy: Mapped[dict[str, Any]] = mapped_column(Json)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    day: Mapped[date] = mapped_column(Date)
    # Rows that could not be read, and so are not counted anywhere.
    left_out: Mapped[int] = mapped_column(Integer, default=0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now)

    __table_args__ = (
        UniqueConstraint("organisation_id", "identity"),
        Index("ix_dmarc_report_day", "organisation_id", "day"),
    )


class DmarcRow(Table):
    """So many messages from one address that fared alike. ``dkim`` and ``spf``: whether each passed and was aligned."""

    __tablename__ = "dmarc_row"

    id: Mapped[int] = columns.row_id()
    report_id: Mapped[int] = mapped_column(ForeignKey("dmarc_report.id", ondelete="CASCADE"), index=True)
    source_ip: Mapped[str] = mapped_column(String(45))
    count: Mapped[int] = mapped_column(BigInteger)
    disposition: Mapped[str] = mapped_column(String(_LONGEST_WORD))
    dkim: Mapped[bool] = mapped_column(Boolean)
    spf: Mapped[bool] = mapped_column(Boolean)
    # Whether the receiver says that somebody passed it on.
    forwarded: Mapped[bool] = mapped_column(Boolean)
    header_from: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    # The selector of the signature that passed; empty when none did, or the receiver does not say.
    signed_by: Mapped[str] = mapped_column(String(_LONGEST_SELECTOR))
    # Every signature as the receiver judged it: domain, selector, result.
    signatures: Mapped[list[list[str]]] = mapped_column(Json)
    spf_domain: Mapped[str] = mapped_column(String(report_keeping.LONGEST_NAME))
    spf_result: Mapped[str] = mapped_column(String(_LONGEST_WORD))


def keep(session: Session, organisation_id: int, report: Report) -> Outcome:
    """Keep a report that was read, unless it is there already or is about a stranger's domain."""
    domain = report_keeping.named(report.policy.domain)
    if domain is None or not report_keeping.is_ours(session, organisation_id, domain):
        return report_keeping.not_ours([report.policy.domain])
    if clock.now() - report.end > report_keeping.KEPT:
        return report_keeping.too_old(report_keeping.KEPT)
    if (refused := report_keeping.uncountable(report.messages)) is not None:
        return refused
    sender = report.org_name or report.email.rpartition("@")[2]
    number = report_keeping.add(session, DmarcReport, _head(organisation_id, report, sender, domain))
    if number is None:
        return Duplicate(ReportKind.AGGREGATE, sender, domain)
    rows = [{"report_id": number, **_row(row, domain)} for row in report.rows]
    for start in range(0, len(rows), _AT_ONCE):
        session.execute(insert(DmarcRow), rows[start : start + _AT_ONCE])
    return Kept(ReportKind.AGGREGATE, sender, domain, report.begin, report.end, report.messages)


def _head(organisation_id: int, report: Report, sender: str, domain: str) -> dict[str, Any]:
    own = {"policy_domain": domain, "policy": _policy(report.policy), "left_out": report.left_out}
    return report_head.values(organisation_id, report, sender, domain) | own


def _policy(found: Policy) -> dict[str, Any]:
    """Return the policy as it is kept: what is not said is left out."""
    words = {name: getattr(found, name)[:_LONGEST_WORD] for name in ("p", "sp", "np", "adkim", "aspf", "fo")}
    said: dict[str, Any] = {name: word for name, word in words.items() if word}
    numbers = {"pct": found.pct, "testing": found.testing}
    return said | {name: value for name, value in numbers.items() if value is not None}


def _row(row: Row, domain: str) -> dict[str, Any]:
    author = report_keeping.named(row.header_from) or domain
    signed = [one for one in row.dkim_results if one.result == _PASS and one.selector]
    # Of several that passed, the one of the author's own domain is the one that counts.
    signed.sort(key=lambda one: one.domain != author)
    spf = next(iter(row.spf_results), None)
    return {
        "source_ip": str(row.source_ip),
        "count": row.count,
        "disposition": row.disposition[:_LONGEST_WORD],
        "dkim": row.dkim == _PASS,
        "spf": row.spf == _PASS,
        "forwarded": any(reason.kind in _PASSED_ON for reason in row.reasons),
        "header_from": author,
        "signed_by": signed[0].selector[:_LONGEST_SELECTOR].lower() if signed else "",
        "signatures": [
            [report_keeping.cut(text) for text in (one.domain, one.selector, one.result)]
            for one in row.dkim_results[:_MOST_SIGNATURES]
        ],
        "spf_domain": spf.domain[: report_keeping.LONGEST_NAME] if spf else "",
        "spf_result": spf.result[:_LONGEST_WORD] if spf else "",
    }


@dataclass(frozen=True)
class Seen:
    """Messages that one address sent within the time of one report, and that fared alike."""

    begin: datetime
    end: datetime
    day: date
    sender: str
    source_ip: str
    dkim: bool
    spf: bool
    forwarded: bool
    signed_by: str
    count: int

    @property
    def aligned(self) -> bool:
        """Whether DMARC passed: one of the two did."""
        return self.dkim or self.spf


def seen(session: Session, organisation_id: int, name: str, since: date, until: date) -> list[Seen]:
    """Return what receivers saw of mail from a domain or one below it, on days (UTC) from one to another."""
    of_report = (DmarcReport.begins_at, DmarcReport.ends_at, DmarcReport.day, DmarcReport.sender)
    of_row = (DmarcRow.source_ip, DmarcRow.dkim, DmarcRow.spf, DmarcRow.forwarded, DmarcRow.signed_by)
    query = (
        select(*of_report, *of_row, cast(func.sum(DmarcRow.count), BigInteger))
        .join(DmarcRow, DmarcRow.report_id == DmarcReport.id)
        .where(
            DmarcReport.organisation_id == organisation_id,
            DmarcReport.day.between(since, until),
            report_keeping.at_or_below(DmarcRow.header_from, name),
        )
        .group_by(*of_report, *of_row)
    )
    rows: list[tuple[Any, ...]] = [tuple(row) for row in session.execute(query)]
    return [Seen(*row) for row in rows]


def first_day(session: Session, organisation_id: int, name: str) -> date | None:
    """Return the first day on which any receiver reported about a domain or one below it, of the reports kept."""
    query = select(func.min(DmarcReport.day)).where(
        DmarcReport.organisation_id == organisation_id, report_keeping.at_or_below(DmarcReport.policy_domain, name)
    )
    return session.scalar(query)


def governing(session: Session, organisation_id: int, name: str) -> DmarcReport | None:
    """Return the newest report about the policy that counts for a domain: its own, else that of the nearest above."""
    labels = name.split(".")
    above = [".".join(labels[place:]) for place in range(len(labels))]
    query = (
        select(DmarcReport)
        .where(DmarcReport.organisation_id == organisation_id, DmarcReport.policy_domain.in_(above))
        .order_by(func.length(DmarcReport.policy_domain).desc(), DmarcReport.ends_at.desc(), DmarcReport.id.desc())
    )
    return session.scalars(query.limit(1)).one_or_none()


def checks(
    session: Session, organisation_id: int, name: str, sources: Iterable[str], since: date
) -> dict[str, list[tuple[str, ...]]]:
    """Return what was checked of the last mail of each of some addresses, as receivers said it.

    Each check is ``("dkim", domain, selector, result)`` or ``("spf", domain, result)``.
    """
    last = (
        select(func.max(DmarcRow.id))
        .join(DmarcReport, DmarcReport.id == DmarcRow.report_id)
        .where(
            DmarcReport.organisation_id == organisation_id,
            DmarcReport.day >= since,
            DmarcRow.source_ip.in_(list(sources)),
            report_keeping.at_or_below(DmarcRow.header_from, name),
        )
        .group_by(DmarcRow.source_ip)
    )
    return {row.source_ip: _checks(row) for row in session.scalars(select(DmarcRow).where(DmarcRow.id.in_(last)))}


def _checks(row: DmarcRow) -> list[tuple[str, ...]]:
    spf = [("spf", row.spf_domain, row.spf_result)] if row.spf_domain or row.spf_result else []
    return [*(("dkim", *one) for one in row.signatures), *spf]


def forget_past(session: Session) -> None:
    """Delete the reports whose time is over, with their rows; the timetable calls this."""
    session.execute(delete(DmarcReport).where(DmarcReport.ends_at < clock.now() - report_keeping.KEPT))
