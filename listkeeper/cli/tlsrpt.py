"""``listkeeper tlsrpt``: what senders report of how they could encrypt mail to a domain."""

from __future__ import annotations

from pathlib import Path

import click

from listkeeper.cli import report_files, report_keep
from listkeeper.cli.context import with_json
from listkeeper.cli.report_files import Told, with_files
from listkeeper.foundation import clock
from listkeeper.standards import tls_report
from listkeeper.standards.packed_report import Refusal
from listkeeper.standards.tls_report import Failure, Report

_MOST_ROWS = 50


@click.group()
def command() -> None:
    """Read the reports that senders make of how they could encrypt mail to a domain."""


command.add_command(report_keep.command)


@command.command()
@with_json
@with_files
def read(*, files: tuple[Path, ...], as_json: bool) -> int:
    """Read TLS reports (FILE, or standard input): JSON, gzip, ZIP or a mail.

    Needs no instance and stores nothing. Exits with 10 when a file was refused; the others are read all the same.
    """
    return report_files.answer(files, _read, as_json=as_json)


def _read(data: bytes) -> Told | Refusal:
    report = tls_report.read(data, now=clock.now())
    return Told("tls", report, tuple(_lines(report))) if isinstance(report, Report) else report


def _lines(report: Report) -> list[str]:
    lines = [
        f"{report.organization_name or report.contact_info or 'Somebody'}, report {report.report_id}",
        f"{report.begin:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC",
    ]
    for policy in report.policies:
        what = f"{policy.policy_domain or '?'} ({policy.policy_type or 'policy not said'})"
        lines.append(f"{what}: {policy.successful} sessions went well, {policy.failed} failed")
        failures = [_failure_line(failure) for failure in policy.failures]
        lines += [f"  {line}" for line in report_files.listed(failures, _MOST_ROWS)]
    return lines


def _failure_line(failure: Failure) -> str:
    where = failure.receiving_mx_hostname or failure.receiving_ip or "?"
    more = " ".join(filter(None, (failure.failure_reason_code, failure.additional_information)))
    return f"{failure.sessions} x {failure.result_type or '?'} at {where}{f': {more}' if more else ''}"
