"""Reports of how mail servers could encrypt mail to a domain (SMTP TLS Reporting, RFC 8460 section 4.4).

JSON, alone or in gzip, a ZIP archive or a mail. Whatever is in a report was
written by a stranger: its texts are on one line, printable and bounded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from listkeeper.foundation import language
from listkeeper.standards import foreign_text, packed_report, report_range
from listkeeper.standards.packed_report import Form, Limits, Refusal, Refused

# JSON in memory takes some twenty times its room, and honest reports are small.
USUAL = Limits(unpacked=5_000_000, rows=10_000)
_MOST_POLICIES = 1_000
_MOST_LINES = 100
_COUNT = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Failure:
    """So many sessions that failed alike; ``result_type`` is a word of section 4.3, such as ``certificate-expired``."""

    result_type: str
    sessions: int
    sending_mta_ip: str
    receiving_ip: str
    receiving_mx_hostname: str
    receiving_mx_helo: str
    additional_information: str
    failure_reason_code: str


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What came of one policy.

    ``policy_type`` is ``sts``, ``tlsa`` or ``no-policy-found``;
    ``policy_string`` the policy as the sender found it, line by line.
    """

    policy_type: str
    policy_domain: str
    policy_string: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successful: int
    failed: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Report:
    """One report; ``begin`` and ``end`` are UTC. The same ``report_id`` of the same organisation is the same report."""

    organization_name: str
    contact_info: str
    report_id: str
    begin: datetime
    end: datetime
    policies: tuple[PolicyResult, ...]

    @property
    def successful(self) -> int:
        """How many sessions were encrypted as the policies ask."""
        return sum(policy.successful for policy in self.policies)

    @property
    def failed(self) -> int:
        """How many were not."""
        return sum(policy.failed for policy in self.policies)


def read(data: bytes, limits: Limits = USUAL, *, now: datetime | None = None) -> Report | Refusal:
    """Read a report as it came. With ``now`` (aware), one about days to come is refused.

    Never raises; beside the codes of unpacking a refusal has ``not_tls_report``,
    ``not_json``, ``too_many_rows``, ``no_report_id``, ``date_range`` or ``count``.
    """
    unpacked = packed_report.unpack(data, limits)
    if isinstance(unpacked, Refusal):
        return unpacked
    words = language.text("There is no JSON in it, so it is no TLS report.")
    answer: Report | Refusal = Refusal("not_tls_report", words)
    for payload in unpacked:
        if payload.form is Form.JSON:
            answer = _of_json(payload.content, limits, now)
            if isinstance(answer, Report):
                break
    return answer


def _of_json(content: bytes, limits: Limits, now: datetime | None) -> Report | Refusal:
    try:
        value = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Refusal("not_json", language.text("It is no well-formed JSON, or it is cut off."))
    if not isinstance(value, dict) or not isinstance(value.get("policies"), list):
        return Refusal("not_tls_report", language.text("It is JSON, but no TLS report: it has no list of policies."))
    try:
        return _Reader(limits).report(value, now)
    except Refused as refused:
        return refused.refusal


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


class _Reader:
    """Reads the values of one report within the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.rows

    def report(self, value: dict[str, Any], now: datetime | None) -> Report:
        """Return the report. Raises Refused when it lacks what it cannot do without."""
        report_id = self._text(value, "report-id")
        if not report_id:
            raise Refused("no_report_id", language.text("It has no report id, by which it could be told from others."))
        begin, end = self._range(_inner(value, "date-range"), now)
        policies = _rows(value, "policies")
        if len(policies) > _MOST_POLICIES:
            raise _too_many()
        return Report(
            organization_name=self._text(value, "organization-name"),
            contact_info=self._text(value, "contact-info"),
            report_id=report_id,
            begin=begin,
            end=end,
            policies=tuple(self._policy(one) for one in policies),
        )

    def _range(self, value: dict[str, Any], now: datetime | None) -> tuple[datetime, datetime]:
        begin, end = _moment(value.get("start-datetime")), _moment(value.get("end-datetime"))
        if begin is None or end is None:
            raise Refused("date_range", language.text("It does not say what time it is about."))
        return report_range.check(begin, end, self._limits, now)

    def _policy(self, value: dict[str, Any]) -> PolicyResult:
        policy, summary = _inner(value, "policy"), _inner(value, "summary")
        failures = _rows(value, "failure-details")
        self._left -= len(failures)
        if self._left < 0:
            raise _too_many()
        return PolicyResult(
            policy_type=self._text(policy, "policy-type").lower(),
            policy_domain=self._text(policy, "policy-domain").lower(),
            policy_string=self._lines(policy.get("policy-string")),
            mx_hosts=self._lines(policy.get("mx-host")),
            successful=_count(summary, "total-successful-session-count"),
            failed=_count(summary, "total-failure-session-count"),
            failures=tuple(self._failure(one) for one in failures),
        )

    def _failure(self, value: dict[str, Any]) -> Failure:
        return Failure(
            result_type=self._text(value, "result-type").lower(),
            sessions=_count(value, "failed-session-count"),
            sending_mta_ip=self._text(value, "sending-mta-ip"),
            receiving_ip=self._text(value, "receiving-ip"),
            receiving_mx_hostname=self._text(value, "receiving-mx-hostname").lower(),
            receiving_mx_helo=self._text(value, "receiving-mx-helo").lower(),
            additional_information=self._text(value, "additional-information"),
            failure_reason_code=self._text(value, "failure-reason-code"),
        )

    def _text(self, value: dict[str, Any], name: str) -> str:
        found = value.get(name)
        return foreign_text.clean(found, self._limits.text) if isinstance(found, str) else ""

    def _lines(self, value: object) -> tuple[str, ...]:
        """Return texts that some senders write as a list and some as one."""
        lines = value if isinstance(value, list) else [value]
        return tuple(foreign_text.clean(one, self._limits.text) for one in lines[:_MOST_LINES] if isinstance(one, str))


def _inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _rows(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = value.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _count(value: dict[str, Any], name: str) -> int:
    """Return a number of sessions, 0 where none is said; some senders write it as a text."""
    found = value.get(name, 0)
    if isinstance(found, bool) or not isinstance(found, int | str) or not _COUNT.fullmatch(str(found)):
        words = language.text("“%(name)s” holds no number of sessions.", name=name)
        raise Refused("count", words)
    return int(found)


def _moment(value: object) -> datetime | None:
    """Return a moment of RFC 3339; without an offset it is taken for UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _too_many() -> Refused:
    return Refused("too_many_rows", language.text("It has more policies or failures than any honest report."))
