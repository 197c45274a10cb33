"""``listkeeper tlsrpt``: what senders report of how they could encrypt mail to a domain."""

from __future__ import annotations

import click

from listkeeper.cli import report_files, report_keep
from listkeeper.cli.report_files import Told
from listkeeper.foundation import clock
from listkeeper.standards import tls_report
from listkeeper.standards.packed_report import Refusal
from listkeeper.standards.tls_report import Failure, Report


@click.group()
def command() -> None:
    """Read the reports that senders make of how they could encrypt mail to a domain."""


def _read(data: bytes) -> Told | Refusal:
    report = tls_report.read(data, now=clock.now())
    return Told("tls", report, tuple(_lines(report))) if isinstance(report, Report) else report


_WHAT = "Read TLS reports (FILE, or standard input): JSON, gzip, ZIP or a mail."
command.add_command(report_files.reading(_WHAT, _read))
command.add_command(report_keep.command)


def _lines(report: Report) -> list[str]:
    lines = [
        f"{report.organization_name or report.contact_info or 'Somebody'}, report {report.report_id}",
        f"{report.begin:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC",
    ]
    for policy in report.policies:
        what = f"{policy.policy_domain or '?'} ({policy.policy_type or 'policy not said'})"
        lines.append(f"{what}: {policy.successful} sessions went well, {policy.failed} failed")
        failures = [_failure_line(failure) for failure in policy.failures]
        lines += [f"  {line}" for line in report_files.listed(failures)]
    return lines


def _failure_line(failure: Failure) -> str:
    where = failure.receiving_mx_hostname or failure.receiving_ip or "?"
    more = " ".join(filter(None, (failure.failure_reason_code, failure.additional_information)))
    return f"{failure.sessions} x {failure.result_type or '?'} at {where}{f': {more}' if more else ''}"
