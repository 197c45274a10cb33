"""The one door for reports that come in, however they came: a file that was brought, a command, or a mail.

Reading is bounded, and still may take seconds where somebody means harm: who
holds a transaction open reads first (``read``) and keeps then (``keep``).
``receive`` does both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.deliverability import dmarc_report, failure_report, tls_report
from listkeeper.deliverability.report_keeping import Outcome, Refused
from listkeeper.foundation import clock
from listkeeper.standards import dmarc_failure_report as of_failure
from listkeeper.standards import dmarc_report as of_receivers
from listkeeper.standards import packed_report
from listkeeper.standards import tls_report as of_senders
from listkeeper.standards.dmarc_failure_report import FailureReport
from listkeeper.standards.packed_report import Form, Limits, Refusal

# What one report may cost here: about six seconds at the very worst. Honest ones of large receivers are a tenth of it.
LIMITS = Limits(received=4_000_000, unpacked=4_000_000, rows=20_000)

AnyReport = of_receivers.Report | of_senders.Report | FailureReport


@dataclass(frozen=True)
class ReadReport:
    """A report that was read, and the bytes it came as."""

    report: AnyReport
    data: bytes


def read(data: bytes, limits: Limits = LIMITS) -> ReadReport | Refused:
    """Read a report of whatever kind; call it with no transaction open. Never raises."""
    found = _read(data, limits)
    return Refused(found.code, found.reason) if isinstance(found, Refusal) else ReadReport(found, data)


def _read(data: bytes, limits: Limits) -> AnyReport | Refusal:
    now = clock.now()
    aggregate = of_receivers.read(data, limits, now=now)
    if isinstance(aggregate, of_receivers.Report):
        return aggregate
    # Without any XML in it, it may be one of the other kinds; whatever else was wrong is wrong for them as well.
    refusal = of_senders.read(data, limits, now=now) if aggregate.code == "not_dmarc" else aggregate
    if isinstance(refusal, of_senders.Report) or packed_report.form_of(data) is not Form.MAIL:
        return refusal
    failure = of_failure.read(data, limits)
    is_other = isinstance(failure, Refusal) and failure.code == "not_feedback"
    return refusal if is_other else failure


def keep(session: Session, organisation: Organisation, found: ReadReport | Refused) -> Outcome:
    """Keep what was read: now, or not again, or not at all because it is about a stranger's domain or too old."""
    if isinstance(found, Refused):
        return found
    match found.report:
        case of_receivers.Report() as report:
            return dmarc_report.keep(session, organisation.id, report)
        case of_senders.Report() as report:
            return tls_report.keep(session, organisation.id, report)
        case FailureReport() as report:
            return failure_report.keep(session, organisation.id, report, found.data)
        case _:
            assert_never(found.report)


def receive(session: Session, organisation: Organisation, data: bytes) -> Outcome:
    """Read a report as it came and keep it: ``Kept``, ``Duplicate`` or ``Refused``. Never raises for what is in it."""
    return keep(session, organisation, read(data))


def forget_past(session: Session) -> None:
    """Delete the reports whose time is over: failures after 30 days, all others after 400; the timetable calls this."""
    dmarc_report.forget_past(session)
    failure_report.forget_past(session)
    tls_report.forget_past(session)
