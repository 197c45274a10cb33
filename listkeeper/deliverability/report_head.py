"""The head of a report that sums up a span of time, aggregate or TLS: whose it is, who sent it, and which day it is of.

A sender numbers its reports as it likes, and may use a number once for each
domain: so a report is known again by its sender, its id and its domain. Spans
are a day as a rule, yet a day of the sender's own clock; the day in UTC that
holds most of it is the one in its middle.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from listkeeper.deliverability import report_keeping
from listkeeper.foundation import clock
from listkeeper.standards import dmarc_report, tls_report


def values(
    organisation_id: int, report: dmarc_report.Report | tls_report.Report, sender: str, domain: str
) -> dict[str, Any]:
    """Return what the tables of both kinds hold of a report about a domain of ours, column by column."""
    return {
        "organisation_id": organisation_id,
        "identity": report_keeping.identity(sender.lower(), report.report_id, domain),
        "sender": report_keeping.cut(sender),
        "report_id": report_keeping.cut(report.report_id),
        "begins_at": report.begin,
        "ends_at": report.end,
        "day": (report.begin + (report.end - report.begin) / 2).astimezone(UTC).date(),
        "received_at": clock.now(),
    }
