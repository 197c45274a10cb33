"""``listkeeper dmarc``: what receivers report of mail that names a domain."""

from __future__ import annotations

import click

from listkeeper.cli import report_files, report_keep
from listkeeper.cli.report_files import Told
from listkeeper.foundation import clock
from listkeeper.standards import dmarc_failure_report, dmarc_report
from listkeeper.standards.dmarc_failure_report import FailureReport
from listkeeper.standards.dmarc_report import Report
from listkeeper.standards.dmarc_row import Row
from listkeeper.standards.packed_report import Refusal


@click.group()
def command() -> None:
    """Read the reports that receivers send about mail that names a domain."""


def _read(data: bytes) -> Told | Refusal:
    aggregate = dmarc_report.read(data, now=clock.now())
    if isinstance(aggregate, Report):
        return Told("aggregate", aggregate, tuple(_lines(aggregate)))
    failure = dmarc_failure_report.read(data)
    if isinstance(failure, FailureReport):
        return Told("failure", failure, tuple(_failure_lines(failure)))
    return aggregate if failure.code == "not_feedback" else failure


_WHAT = "Read DMARC reports (FILE, or standard input): XML, gzip, ZIP or a mail, aggregate reports and failure reports."
command.add_command(report_files.reading(_WHAT, _read))
command.add_command(report_keep.command)


def _lines(report: Report) -> list[str]:
    said = [f"{name}={word}" for name in ("p", "sp", "np", "adkim", "aspf") if (word := getattr(report.policy, name))]
    return [
        f"{report.org_name or report.email or 'Somebody'} about {report.policy.domain}, report {report.report_id}",
        f"{report.begin:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC; the policy: {' '.join(said) or 'not said'}",
        f"{report.messages} messages, {report.aligned_messages} of them passed",
        *(f"error: {error}" for error in report.errors),
        *report.remarks,
        *report_files.listed([_row_line(row) for row in report.rows]),
    ]


def _row_line(row: Row) -> str:
    reasons = "; ".join(" ".join(filter(None, (reason.kind, reason.comment))) for reason in row.reasons)
    done = f"dkim {row.dkim or '?'}, spf {row.spf or '?'}, done: {row.disposition or '?'}"
    passed = "passed" if row.aligned else "failed"
    return f"{row.source_ip}  {row.count} x {passed} ({done}{f'; {reasons}' if reasons else ''})  {row.header_from}"


def _failure_lines(report: FailureReport) -> list[str]:
    when = f"{report.arrival_date:%Y-%m-%d %H:%M} UTC" if report.arrival_date else "a time that is not said"
    source = report.source_ip or "an address that is not said"
    return [
        f"A message under {report.reported_domain} failed at {when}, sent from {source}",
        f"what failed: {report.auth_failure or 'not said'}; what was done: {report.delivery_result or 'not said'}",
        *report.authentication_results,
    ]
