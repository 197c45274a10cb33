"""Aggregate reports of DMARC: what a receiver saw of mail that names a domain (RFC 7489 section 7.2, RFC 9990).

One reader for both schemas: every element but a few may be missing, words may
be in capital letters, and what no schema names is kept beside the rest. A row
that makes no sense is left out, counted and named; a report without its
essentials is refused. Whatever is in a report was written by a stranger: its
texts are on one line, printable and bounded, and nothing in them is proven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from listkeeper.foundation import language
from listkeeper.standards import dmarc_row, dmarc_xml, packed_report, report_range
from listkeeper.standards.dmarc_row import Row
from listkeeper.standards.dmarc_xml import Element
from listkeeper.standards.packed_report import USUAL, Form, Limits, Refusal, Refused

_MOST_REMARKS = 20
_SECONDS = re.compile(r"([0-9]{1,11})(?:\.[0-9]+)?")
_COUNT = re.compile(r"[0-9]{1,12}")
# Every leaf that one of the schemas names, section by section.
_KNOWN = {
    "version": {""},
    "report_metadata": {
        "org_name", "email", "extra_contact_info", "report_id", "date_range/begin", "date_range/end", "error",
        "generator",
    },
    "policy_published": {
        "domain", "p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method",
    },
    "record": {
        "row/source_ip", "row/count", "row/policy_evaluated/disposition", "row/policy_evaluated/dkim",
        "row/policy_evaluated/spf", "row/policy_evaluated/reason/type", "row/policy_evaluated/reason/comment",
        "identifiers/header_from", "identifiers/envelope_from", "identifiers/envelope_to", "auth_results/dkim/domain",
        "auth_results/dkim/selector", "auth_results/dkim/result", "auth_results/dkim/human_result",
        "auth_results/spf/domain", "auth_results/spf/scope", "auth_results/spf/result",
        "auth_results/spf/human_result",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy as the receiver found it; empty or None where the report says nothing."""

    domain: str
    p: str
    sp: str
    np: str
    adkim: str
    aspf: str
    pct: int | None
    fo: str
    testing: bool | None
    discovery_method: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An element that no schema names: where it stands, and its text."""

    where: str
    text: str


@dataclass(frozen=True)
class Report:
    """One aggregate report. ``begin`` and ``end`` are UTC, both within the time it is about.

    The same ``report_id`` of the same ``org_name`` is the same report.
    ``left_out`` rows could not be read; ``remarks`` say in words why, of the
    first 20. ``extras`` are bounded too.
    """

    version: str
    org_name: str
    email: str
    extra_contact_info: str
    report_id: str
    begin: datetime
    end: datetime
    errors: tuple[str, ...]
    generator: str
    policy: Policy
    rows: tuple[Row, ...]
    left_out: int = 0
    remarks: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()

    @property
    def messages(self) -> int:
        """How many messages the report is about."""
        return sum(row.count for row in self.rows)

    @property
    def aligned_messages(self) -> int:
        """How many of them passed DMARC."""
        return sum(row.count for row in self.rows if row.aligned)


def read(data: bytes, limits: Limits = USUAL, *, now: datetime | None = None) -> Report | Refusal:
    """Read a report as it came: XML, or in gzip, a ZIP archive or a mail.

    With ``now`` (aware), a report about days to come is refused. Never raises;
    beside the codes of unpacking a refusal has ``not_dmarc``, ``not_xml``,
    ``dtd``, ``too_deep``, ``too_many_rows``, ``no_domain``, ``no_report_id``,
    ``date_range`` or ``no_row``.
    """
    unpacked = packed_report.unpack(data, limits)
    if isinstance(unpacked, Refusal):
        return unpacked
    answer: Report | Refusal = Refusal("not_dmarc", language.text("There is no XML in it, so it is no DMARC report."))
    for payload in unpacked:
        if payload.form is Form.XML:
            answer = _of_xml(payload.content, limits, now)
            if isinstance(answer, Report):
                break
    return answer


def _of_xml(xml: bytes, limits: Limits, now: datetime | None) -> Report | Refusal:
    found = _Found(limits)
    try:
        for section in dmarc_xml.sections(xml, limits):
            found.take(section)
        return found.report(now)
    except Refused as refused:
        return refused.refusal


@dataclass
class _Found:
    """What was found of a report so far."""

    limits: Limits
    version: str = ""
    metadata: Element = field(default_factory=lambda: Element(""))
    policy: Element = field(default_factory=lambda: Element(""))
    rows: list[Row] = field(default_factory=list)
    extras: list[Extra] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    left_out: int = 0

    def take(self, section: Element) -> None:
        """Take the next section; of the metadata and the policy the first counts."""
        match section.name:
            case "version":
                self.version = self.version or section.text
            case "report_metadata" if not self.metadata.name:
                self.metadata = section
            case "policy_published" if not self.policy.name:
                self.policy = section
            case dmarc_xml.RECORD:
                self._take_record(section)
        if len(self.extras) < self.limits.extras:
            unknown = _unknown(section, section.name, "", _KNOWN.get(section.name, set()))
            self.extras += list(unknown)[: self.limits.extras - len(self.extras)]

    def _take_record(self, record: Element) -> None:
        place = len(self.rows) + self.left_out + 1
        if place > self.limits.rows:
            words = language.text("It is longer than any honest report.")
            raise Refused("too_many_rows", words)
        row = dmarc_row.of(record)
        if isinstance(row, Row):
            self.rows.append(row)
            return
        self.left_out += 1
        if len(self.remarks) < _MOST_REMARKS:
            self.remarks.append(language.text("Row %(place)s was left out: %(why)s.", place=place, why=row))

    def report(self, now: datetime | None) -> Report:
        """Return the whole report. Raises Refused when it lacks what it cannot do without."""
        policy, said = _policy(self.policy), self.metadata.said
        if not policy.domain:
            raise Refused("no_domain", language.text("It does not name the domain that it is about."))
        if not said("report_id"):
            raise Refused("no_report_id", language.text("It has no report id, by which it could be told from others."))
        begin, end = _range(said("date_range", "begin"), said("date_range", "end"), self.limits, now)
        if self.left_out and not self.rows:
            raise Refused("no_row", language.text("None of its rows can be read. %(why)s", why=self.remarks[0]))
        return Report(
            version=self.version,
            org_name=said("org_name"),
            email=said("email"),
            extra_contact_info=said("extra_contact_info"),
            report_id=said("report_id"),
            begin=begin,
            end=end,
            errors=tuple(one.text for one in self.metadata.every("error")[:_MOST_REMARKS] if one.text),
            generator=said("generator"),
            policy=policy,
            rows=tuple(self.rows),
            left_out=self.left_out,
            remarks=tuple(self.remarks),
            extras=tuple(self.extras),
        )


def _range(begin: str, end: str, limits: Limits, now: datetime | None) -> tuple[datetime, datetime]:
    first, last = _SECONDS.fullmatch(begin), _SECONDS.fullmatch(end)
    if first is None or last is None:
        raise Refused("date_range", language.text("It does not say, in seconds since 1970, what time it is about."))
    start, stop = (datetime.fromtimestamp(int(one[1]), UTC) for one in (first, last))
    return report_range.check(start, stop, limits, now)


def _policy(section: Element) -> Policy:
    def word(name: str) -> str:
        return section.said(name).lower()

    share = _COUNT.fullmatch(section.said("pct"))
    return Policy(
        domain=word("domain").removesuffix("."),
        p=word("p"),
        sp=word("sp"),
        np=word("np"),
        adkim=word("adkim"),
        aspf=word("aspf"),
        pct=int(share[0]) if share else None,
        fo=word("fo"),
        testing={"y": True, "n": False}.get(word("testing")),
        discovery_method=word("discovery_method"),
    )


def _unknown(element: Element, where: str, path: str, known: set[str]) -> Iterator[Extra]:
    """Yield the leaves that hold a text and are not named by a schema."""
    if not element.below and element.text and path not in known:
        yield Extra(where, element.text)
    for one in element.below:
        yield from _unknown(one, f"{where}/{one.name}", f"{path}/{one.name}" if path else one.name, known)
