"""Where a domain's DMARC reports go, and whether they may: row D5 (RFC 9989 section 4.6, RFC 9990 section 4).

A target outside the domain's organisation must have said that it wants the
reports, or receivers send it none.
"""

from __future__ import annotations

from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dmarc, dmarc_record
from listkeeper.standards.dmarc import Discovery
from listkeeper.standards.dmarc_record import Mode, Record
from listkeeper.standards.dmarc_walk import Step
from listkeeper.standards.dns import Answer, Resolver, TempFail

_ADDRESSES = "RFC 9989 section 4.6"
_FOREIGN = "RFC 9990 section 4"
# Receivers keep limits of their own on how many they serve.
_MOST_TARGETS = 5


def audit(found: Discovery, resolver: Resolver, now: datetime) -> list[Finding]:
    """Return the findings about the addresses for reports; none when there is no record that counts."""
    if found.step is None or found.record is None:
        return []
    hosts = list(dict.fromkeys(filter(None, map(dmarc_record.host_of, found.record.rua))))
    if not hosts:
        return [_none(found.step, found.record, evidence.of(found.step.outcome, now))]
    return [_target(found.step, host, resolver, now) for host in hosts[:_MOST_TARGETS]]


def _none(step: Step, record: Record, seen: str) -> Finding:
    words = language.text(
        "The DMARC record at %(name)s names no address for reports (rua=), so nobody tells you who sends as you. "
        "Publish this one in its place, with an address that you read.",
        name=step.name,
    )
    mend = dmarc_record.mended(record, rua=f"mailto:dmarc@{step.domain}")
    return Finding("D5", Severity.WARN, step.name, words, seen, mend, _ADDRESSES)


def _target(step: Step, host: str, resolver: Resolver, now: datetime) -> Finding:
    seen = evidence.of(step.outcome, now)
    # Both names are of one organisation: the same question as relaxed alignment.
    own = dmarc.aligned(step.domain, host, Mode.RELAXED, resolver)
    if own:
        words = language.text("Reports go to %(host)s, which is yours.", host=host)
        return Finding("D5", Severity.INFO, step.name, words, seen, reference=_ADDRESSES)
    name = f"{step.domain}._report._dmarc.{host}"
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, Answer) and any(map(dmarc_record.is_dmarc, outcome.records)):
        words = language.text("Reports go to %(host)s, which agreed to take them.", host=host)
        return Finding("D5", Severity.INFO, name, words, seen, reference=_FOREIGN)
    if isinstance(outcome, TempFail) or own is None:
        words = language.text(
            "Unknown whether %(host)s may get your reports, because the DNS gave no answer: %(reason)s.",
            host=host,
            reason=outcome.reason if isinstance(outcome, TempFail) else _whose(host),
        )
        return Finding("D5", Severity.UNKNOWN, name, words, seen, reference=_FOREIGN)
    words = language.text(
        "Receivers send no reports to %(host)s, because it did not agree to take them: there is no TXT record at "
        "%(name)s. Ask its owner to publish this there, or name an address of your own.",
        host=host,
        name=name,
    )
    return Finding("D5a", Severity.WARN, name, words, seen, "v=DMARC1", _FOREIGN)


def _whose(host: str) -> str:
    return language.text("it did not say whether %(host)s is yours", host=host)
