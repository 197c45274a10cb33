"""Whether a logo is published for the domain: row B1 (Brand Indicators for Message Identification)."""

from __future__ import annotations

from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import bimi
from listkeeper.standards.dns import Answer, Resolver, TempFail

_DRAFT = "draft-brand-indicators-for-message-identification"


def audit(domain: str, resolver: Resolver, now: datetime, *, enforced: bool | None = None) -> list[Finding]:
    """Return the finding about the logo of a domain, which is an A-label.

    ``enforced`` is whether its DMARC policy is quarantine or reject, None when
    that is not known. Neither logo nor certificate is fetched.
    """
    name = bimi.record_name(domain)
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether %(domain)s publishes a logo (BIMI), because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=outcome.reason,
        )
        return [Finding("B1", Severity.UNKNOWN, name, words, seen, reference=_DRAFT)]
    match bimi.record(outcome.records if isinstance(outcome, Answer) else ()):
        case None:
            words = language.text("%(domain)s publishes no logo to show beside its mail (BIMI).", domain=domain)
            return [Finding("B1", Severity.INFO, name, words, seen, reference=_DRAFT)]
        case bimi.Declined():
            words = language.text("%(domain)s says on purpose that it wants no logo shown (BIMI).", domain=domain)
            return [Finding("B1", Severity.INFO, name, words, seen, reference=_DRAFT)]
        case bimi.Bad(reason):
            words = language.text(
                "The BIMI record at %(name)s counts for nothing: %(reason)s.", name=name, reason=reason
            )
            mend = f"v=BIMI1; l=https://{domain}/logo.svg; a="
            return [Finding("B1a", Severity.INFO, name, words, seen, mend, _DRAFT)]
        case bimi.Record() as record:
            return [_published(name, record, seen, enforced=enforced)]


def _published(name: str, record: bimi.Record, seen: str, *, enforced: bool | None) -> Finding:
    if enforced is False:
        words = language.text(
            "A logo is published at %(logo)s, and no receiver shows it "
            "while the DMARC policy is neither quarantine nor reject.",
            logo=record.logo,
        )
        return Finding("B1b", Severity.INFO, name, words, seen, reference=_DRAFT)
    if not record.evidence:
        words = language.text(
            "A logo is published at %(logo)s, without a certificate. Some receivers, Gmail among them, ask for one.",
            logo=record.logo,
        )
        return Finding("B1", Severity.INFO, name, words, seen, reference=_DRAFT)
    words = language.text(
        "A logo is published at %(logo)s, and its certificate at %(certificate)s. Neither was looked at.",
        logo=record.logo,
        certificate=record.evidence,
    )
    return Finding("B1", Severity.INFO, name, words, seen, reference=_DRAFT)
