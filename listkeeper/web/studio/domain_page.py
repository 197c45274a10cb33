"""A domain's page: the verdict, what is to be mended, and all that the last check saw behind it.

Everything is drawn from what was kept, so the page opens at once and shows
what the evidence holds; only a check asks the DNS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from listkeeper import parts
from listkeeper.deliverability import dkim_key, domain_check, key_rotation, proven, spf_facts
from listkeeper.deliverability.domain_check import DomainCheck
from listkeeper.deliverability.finding import Finding, Severity, Verdict, worst
from listkeeper.deliverability.kept_answers import KeptAnswers
from listkeeper.deliverability.key_rotation import Rotation, Stage
from listkeeper.deliverability.record_form import Shown
from listkeeper.deliverability.record_request import Request
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.deliverability.sub_domain import Choice
from listkeeper.insight import policy_advice
from listkeeper.sending.pacing import warmup
from listkeeper.standards import dkim_key_record
from listkeeper.standards.dns import NxDomain
from listkeeper.web.studio import (
    domain_dmarc,
    domain_history,
    domain_keys,
    domain_records,
    domain_scorecard,
    domain_unknown,
    domain_verdict,
    page,
    words,
)
from listkeeper.web.studio.words import Said

# A page that was left open asks for its missing records so often, and then no more.
LOOKS = 60
PAUSE = "10s"
_SHOWN_CHANGES = 10
# Encryption of mail to us and a logo beside ours: nobody needs either to send.
_OFFERS = ("T", "B")
# The checks of one section of the page, by the first letters of their codes.
_SECTIONS = {"spf": ("S", "G1"), "dkim": ("K",), "dmarc": ("D", "G2"), "host": ("G3", "T", "B", "X", "G")}


def values(session: Session, domain: SendingDomain, *, looked: int = 0) -> dict[str, Any]:
    """Return what the page is drawn from; ``looked`` is how often it asked by itself already."""
    checks = domain_check.history(session, domain, domain_history.MOST)
    kept, egress = kept_of(checks), page.settings().egress
    found = findings_of(session, domain, kept)
    problems = domain_records.problems(domain.name, found, kept, egress)
    needed = domain_records.needed(problems)
    unknown = domain_unknown.of(found, domain.name, checks[0].records if checks else {})
    return {
        "domain": domain,
        "verdict": domain_verdict.of(found, checked=domain.last_checked_at is not None, silent=unknown.silent),
        "place": domain_records.place_of(domain.name, kept),
        "needed": needed,
        "unborn": unborn(domain, kept),
        "advised": [problem for problem in problems if problem not in needed],
        "unknown": unknown,
        "sections": sections(found),
        "asking": domain_records.request(domain.name, problems),
        "looks": LOOKS - looked if domain_records.missing(problems) else 0,
        "looked": looked,
        "pause": PAUSE,
        "key_published": any(row.code == "K3" and row.verdict is Verdict.RIGHT for row in found),
        "say_verdict": words.verdict,
        "say_standing": standing,
        "say_section": stands,
        "Verdict": Verdict,
        "plan": warmup.plan_of(session, domain),
        "say_plan": warmup.sentence,
        "findings": found,
        "card": domain_scorecard.of(session, domain, [*found, *proven.encryption(domain)]),
        **_folded(session, domain, kept),
        **_history(checks),
    }


def asking(session: Session, domain: SendingDomain) -> Request | None:
    """Return the mail that asks somebody to publish what is needed, as the page shows it; None when nothing is."""
    kept = kept_of(domain_check.history(session, domain, 1))
    found = findings_of(session, domain, kept)
    return domain_records.request(
        domain.name, domain_records.problems(domain.name, found, kept, page.settings().egress)
    )


def kept_of(checks: Sequence[DomainCheck]) -> KeptAnswers:
    """Return what the DNS said at the newest of these checks."""
    return KeptAnswers(checks[0].records if checks else {})


def findings_of(session: Session, domain: SendingDomain, kept: KeptAnswers) -> list[Finding]:
    """Return what the last check found; of a name that does not exist yet, also what it needs to come into being."""
    found = proven.known(session, domain, domain.last_findings)
    if not unborn(domain, kept):
        return found
    key = dkim_key.of(session, domain.id, domain.selector)
    ours = dkim_key.ours(key) if key is not None else None
    return [*found, *domain_records.of_the_unborn(domain.name, kept, page.settings().egress, ours)]


def unborn(domain: SendingDomain, kept: KeptAnswers) -> bool:
    """Whether the domain is a name that can be made in a zone that exists, and was not there at the last check."""
    place = domain_records.place_of(domain.name, kept)
    is_absent = isinstance(kept.query(domain.name, "MX"), NxDomain)
    return domain.last_checked_at is not None and is_absent and place.zone != domain.name


def sections(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return the findings by the section of the page in which they are shown, worst first."""
    left = sorted(findings, key=lambda row: -row.severity.rank)
    found = {}
    for name, codes in _SECTIONS.items():
        found[name] = [row for row in left if row.code.startswith(codes)]
        left = [row for row in left if row not in found[name]]
    return found


def standing(finding: Finding) -> Said:
    """Say how a record stands; what is only an offer is neither right nor wrong."""
    offered = finding.mend or finding.code.startswith(_OFFERS)
    if finding.severity is Severity.WARN or (finding.severity is Severity.INFO and offered):
        return words.severity(finding.severity)
    return words.verdict(finding.verdict)


def stands(findings: Sequence[Finding]) -> Said:
    """Say how several stand together; nothing that was looked at is unknown, never right."""
    match worst(findings) if findings else Severity.UNKNOWN:
        case Severity.INFO:
            return words.verdict(Verdict.RIGHT)
        case Severity.UNKNOWN:
            return words.verdict(Verdict.UNKNOWN)
        case Severity.WARN if any(row.verdict is Verdict.UNKNOWN for row in findings):
            return words.verdict(Verdict.UNKNOWN)
        case Severity.WARN:
            return words.severity(Severity.WARN)
        case _:
            return words.verdict(Verdict.WRONG)


def _folded(session: Session, domain: SendingDomain, kept: KeptAnswers) -> dict[str, Any]:
    advice = domain_records.advice(domain.name, kept)
    rotation = key_rotation.of(session, domain)
    return {
        "spf": spf_facts.gather(domain.name, kept),
        "dmarc": domain_dmarc.of(domain.name, kept, signing=domain.signing, envelope=_envelope(domain.name)),
        "policy_advice": policy_advice.about(
            session, domain.organisation_id, domain.name, egress=page.settings().egress
        ),
        "say_aligned": domain_dmarc.aligned,
        "say_rule": domain_dmarc.rule,
        "keys": domain_keys.of(session, domain, kept),
        "rotation": rotation,
        "next_record": next_record(domain, rotation, kept),
        "say_stage": domain_keys.stage,
        "rests": rotation.stage is Stage.RESTS,
        "key_is_old": key_rotation.is_old(session, domain),
        # Where nobody answered, whether there is other mail is one more thing that is not known: no name is proposed.
        "advice": advice if advice.choice is Choice.SUB_DOMAIN and not domain.signing else None,
    }


def _envelope(domain: str) -> str:
    return (parts.envelope_sender(page.settings()) or domain).rpartition("@")[2]


def next_record(domain: SendingDomain, rotation: Rotation, kept: KeptAnswers) -> Shown | None:
    """Return the record by which a change of keys goes on, None where nothing is to be published."""
    if not rotation.record:
        return None
    name = dkim_key_record.name_of(rotation.selector, domain.name)
    return domain_records.shown(name, rotation.record, domain_records.place_of(domain.name, kept))


def _history(checks: Sequence[DomainCheck]) -> dict[str, Any]:
    return {
        "chart": domain_history.chart(checks),
        "changed": domain_history.changes(checks)[:_SHOWN_CHANGES],
        "newest": checks[0] if checks else None,
    }
