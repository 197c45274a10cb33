"""What a DMARC record says and how receivers read it: rows D3 and D4 (RFC 9989 sections 4.7 and 4.10.1)."""

from __future__ import annotations

from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dmarc_record, public_suffix
from listkeeper.standards.dmarc import Discovery, Status
from listkeeper.standards.dmarc_record import Policy, Psd, Record
from listkeeper.standards.dmarc_walk import Step

_FORMAT = "RFC 9989 section 4.7"
_POLICY = "RFC 9989 section 4.10.1"


def audit(found: Discovery, now: datetime) -> list[Finding]:
    """Return the findings about the record that counts; none when there is no such record."""
    if found.step is None or found.record is None:
        return []
    seen = evidence.of(found.step.outcome, now)
    return [*_format(found.step, found.record, seen), *_policy(found, found.step, found.record, seen)]


def _format(step: Step, record: Record, seen: str) -> list[Finding]:
    found = []
    mend = dmarc_record.mended(record)
    if not record.has_readable_policies:
        found.append(_without_policy(step, record, seen, mend))
    ignored = [flaw for flaw in record.flaws if flaw.tag not in {"p", "sp", "np"} or flaw.tag in dict(record.written)]
    for flaw in ignored:
        words = language.text(
            "Receivers pass over a part of the DMARC record at %(name)s: %(part)s: %(reason)s.",
            name=step.name,
            part=flaw.part,
            reason=flaw.reason,
        )
        found.append(Finding("D3c", Severity.ERROR, step.name, words, seen, mend, _FORMAT))
    if not found:
        words = language.text("Receivers can read the DMARC record at %(name)s.", name=step.name)
        found.append(Finding("D3", Severity.INFO, step.name, words, seen, reference=_FORMAT))
    if record.unknown:
        words = language.text(
            "The DMARC record at %(name)s has tags that nobody knows and all pass over: %(tags)s.",
            name=step.name,
            tags=", ".join(record.unknown),
        )
        found.append(Finding("D3e", Severity.INFO, step.name, words, seen, mend, _FORMAT))
    return found


def _without_policy(step: Step, record: Record, seen: str, mend: str) -> Finding:
    wrong = next((flaw for flaw in record.flaws if flaw.tag in {"p", "sp", "np"}), None)
    reason = f"{wrong.part}: {wrong.reason}" if wrong else language.text("it has no p= with a policy")
    if record.p is None:
        words = language.text(
            "The DMARC record at %(name)s counts for nothing: %(reason)s. Publish this one in its place.",
            name=step.name,
            reason=reason,
        )
        return Finding("D3a", Severity.ERROR, step.name, words, seen, mend, _POLICY)
    words = language.text(
        "Receivers read the DMARC record at %(name)s as p=none: %(reason)s. Publish this one in its place.",
        name=step.name,
        reason=reason,
    )
    return Finding("D3b", Severity.ERROR, step.name, words, seen, mend, _POLICY)


def _policy(found: Discovery, step: Step, record: Record, seen: str) -> list[Finding]:
    said = [*_strength(found, step, record, seen), *_never_existing(found, step, record, seen)]
    if record.testing:
        words = language.text(
            "The DMARC record at %(name)s says t=y: receivers act one step weaker than it says. "
            "Take it out once your own mail passes.",
            name=step.name,
        )
        said.append(Finding("D4b", Severity.INFO, step.name, words, seen, reference=_FORMAT))
    if record.removed:
        words = language.text(
            "The DMARC record at %(name)s has tags that were removed from DMARC and change nothing: %(tags)s.",
            name=step.name,
            tags=", ".join(record.removed),
        )
        said.append(Finding("D4c", Severity.INFO, step.name, words, seen, dmarc_record.mended(record), _FORMAT))
    if record.psd is Psd.YES and not public_suffix.is_suffix(step.domain):
        words = language.text(
            "The DMARC record at %(name)s says psd=y, which is for registries: your sub-domains then count as "
            "domains of strangers. Publish this one in its place.",
            name=step.name,
        )
        mend = dmarc_record.mended(record, psd=Psd.NO.value)
        said.append(Finding("D4d", Severity.ERROR, step.name, words, seen, mend, _FORMAT))
    return said


def _strength(found: Discovery, step: Step, record: Record, seen: str) -> list[Finding]:
    values = {"domain": found.domain, "name": step.name}
    if found.status is Status.UNKNOWN:
        words = language.text(
            "Unknown which policy counts for mail from %(domain)s, because %(reason)s.", reason=found.reason, **values
        )
        return [Finding("D4", Severity.UNKNOWN, step.name, words, seen, reference=_POLICY)]
    if found.policy is None:
        return []
    if found.policy is not Policy.NONE:
        words = language.text(
            "The policy for forged mail from %(domain)s is %(policy)s, which is right.",
            policy=found.policy.value,
            **values,
        )
        return [Finding("D4", Severity.INFO, step.name, words, seen, reference=_POLICY)]
    words = language.text(
        "The policy for mail from %(domain)s is none: enough for Gmail, but it protects nobody from forged mail. "
        "When the reports of 30 days show that your own mail passes, publish this record in its place.",
        **values,
    )
    if found.published is not Policy.NONE:
        # Only t=y holds it back.
        mend = dmarc_record.mended(record, t="n")
    elif not record.rua:
        # Without an address for reports (D5) there are none to go by: that one comes first, alone.
        mend = ""
    else:
        mend = dmarc_record.mended(record, **{found.tag: Policy.QUARANTINE.value})
    return [Finding("D4", Severity.WARN, step.name, words, seen, mend, _POLICY)]


def _never_existing(found: Discovery, step: Step, record: Record, seen: str) -> list[Finding]:
    """Advise np=reject where it counts, at the domain of the organisation, unless something as strict stands there."""
    missing = record.np or record.sp or record.p
    if step.domain != found.organisational or missing is None or missing is Policy.REJECT:
        return []
    words = language.text(
        "Mail from sub-domains of %(domain)s that do not exist is always forged: np=reject says so.", domain=step.domain
    )
    mend = dmarc_record.mended(record, np=Policy.REJECT.value)
    return [Finding("D4a", Severity.INFO, step.name, words, seen, mend, _FORMAT)]
