"""What DMARC says about mail from a domain: the D rows and G2 (RFC 9989, RFC 9990).

The record is looked for as a receiver does, from the domain upwards; what it
says is in ``dmarc_policy_audit``, where its reports go in ``report_target``,
and whether our mail can pass by it in ``alignment``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from listkeeper.deliverability import alignment, dmarc_policy_audit, evidence, report_target
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dmarc, dmarc_record, dmarc_walk, public_suffix
from listkeeper.standards.dmarc import Discovery, Status
from listkeeper.standards.dmarc_walk import Step
from listkeeper.standards.dns import Answer, Remembering, Resolver, ask_all

_DISCOVERY = "RFC 9989 section 4.10"
_FIRST_RECORD = "v=DMARC1; p=none"


def names(domain: str) -> list[str]:
    """Return the names an audit will ask for, so that they can be asked side by side."""
    return [dmarc_walk.name_of(one) for one in dmarc_walk.names(domain)]


def audit(
    domain: str,
    resolver: Resolver,
    now: datetime,
    *,
    mail_from_domain: str | None = None,
    dkim_domains: Sequence[str] = (),
) -> list[Finding]:
    """Return the findings about a domain's DMARC record, and whether our mail can pass by it.

    ``domain`` is the one in From. ``mail_from_domain`` is that of the envelope and ``dkim_domains`` are those we sign
    with (d=), each left out where it is not known.
    """
    memory = Remembering(resolver)
    asked = [domain, *dkim_domains, *([mail_from_domain] if mail_from_domain else [])]
    ask_all(memory, [(name, "TXT") for name in dict.fromkeys(name for one in asked for name in names(one))])
    found = dmarc.discover(domain, memory)
    table = alignment.alignment_table(found, memory, mail_from_domain=mail_from_domain, dkim_domains=dkim_domains)
    return [
        *_discovered(found, now),
        *dmarc_policy_audit.audit(found, now),
        *report_target.audit(found, memory, now),
        alignment.judge(found, table, _walked(found, now)),
    ]


def _discovered(found: Discovery, now: datetime) -> list[Finding]:
    spoilt = [step for step in found.walk.steps if _is_ours(found, step) and step.has_several]
    mistaken = [step for step in found.walk.steps if _is_ours(found, step) and not step.records and _nearly(step)]
    said = [*(_several(step, found, now) for step in spoilt), *(_mistaken(step, found, now) for step in mistaken)]
    if said and found.status in {Status.NONE, Status.SEVERAL}:
        # That there is no record follows from these: saying it twice helps nobody.
        return said
    first = [] if found.status is Status.VOID else [_record(found, now)]
    return [*first, *said]


def _is_ours(found: Discovery, step: Step) -> bool:
    """Whether the owner can change what stands there: of several registries nobody here can mend the record."""
    return step.domain == found.domain or not public_suffix.is_suffix(step.domain)


def _walked(found: Discovery, now: datetime) -> str:
    return "\n".join([evidence.of_several([step.outcome for step in found.walk.steps], now), found.walk.words])


def _record(found: Discovery, now: datetime) -> Finding:
    name, seen = dmarc_walk.name_of(found.domain), _walked(found, now)
    if found.record is None and found.walk.failure:
        words = language.text(
            "Unknown whether there is a DMARC record at %(name)s, because the DNS gave no answer: %(reason)s.",
            name=found.walk.failure.name,
            reason=found.walk.failure.reason,
        )
        return Finding("D1", Severity.UNKNOWN, name, words, seen, reference=_DISCOVERY)
    if found.found_at is None:
        return _none(found, seen)
    if found.is_inherited:
        words = language.text(
            "There is no DMARC record at %(name)s, so the one at %(above)s counts.", name=name, above=found.found_at
        )
        return Finding("D1", Severity.INFO, found.found_at, words, seen, reference=_DISCOVERY)
    words = language.text("There is a DMARC record at %(name)s.", name=name)
    return Finding("D1", Severity.INFO, name, words, seen, reference=_DISCOVERY)


def _none(found: Discovery, seen: str) -> Finding:
    # At the name that was registered a record serves everything below it as well (section 5.1.4).
    name = dmarc_walk.name_of(public_suffix.registrable(found.domain) or found.domain)
    words = language.text(
        "There is no DMARC record at %(name)s. Gmail, Yahoo and Outlook ask for one. Publish this as a TXT record.",
        name=name,
    )
    return Finding("D1", Severity.ERROR, name, words, seen, _FIRST_RECORD, _DISCOVERY)


def _several(step: Step, found: Discovery, now: datetime) -> Finding:
    words = language.counted(
        "There is %(number)s DMARC record at %(name)s.",
        "There are %(number)s DMARC records at %(name)s. Receivers then count none of them. Keep one.",
        len(step.records),
        name=step.name,
    )
    return Finding("D2", Severity.ERROR, step.name, words, _walked(found, now), step.records[0].text, _DISCOVERY)


def _nearly(step: Step) -> str | None:
    texts = step.outcome.records if isinstance(step.outcome, Answer) else ()
    return next((text for text in texts if dmarc_record.is_nearly_dmarc(text)), None)


def _mistaken(step: Step, found: Discovery, now: datetime) -> Finding:
    words = language.text(
        "The record at %(name)s is read by no receiver: it must begin with v=DMARC1; in exactly these letters. "
        "Publish this one in its place.",
        name=step.name,
    )
    mend = dmarc_record.meant(_nearly(step) or "")
    return Finding("D3d", Severity.ERROR, step.name, words, _walked(found, now), mend, "RFC 9989 section 4.7")
