"""What has to be published for a domain, in the form of whoever keeps its zone; drawn from its last check alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from listkeeper.deliverability import (
    dkim_audit,
    dmarc_audit,
    dns_host,
    record_form,
    record_request,
    spf_audit,
    spf_what_if,
    sub_domain,
    zone_of,
)
from listkeeper.deliverability.dkim_key import OurKey
from listkeeper.deliverability.dns_host import DnsHost
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.deliverability.kept_answers import KeptAnswers, sub_domain_names
from listkeeper.deliverability.record_form import Record, Shown
from listkeeper.deliverability.record_request import Request, Wanted
from listkeeper.deliverability.spf_audit import Sender
from listkeeper.deliverability.spf_what_if import Proposal
from listkeeper.deliverability.sub_domain import Advice
from listkeeper.deliverability.zone_of import Zone
from listkeeper.foundation import clock, language
from listkeeper.standards import public_suffix, spf_mend, spf_record
from listkeeper.standards.dns import Answer, NxDomain


@dataclass(frozen=True)
class Place:
    """Where the records of a domain are kept: the zone, its host, and in a sentence what is known of both."""

    zone: str
    host: DnsHost
    words: str


@dataclass(frozen=True)
class Problem:
    """Something to mend: the finding, and the record that mends it; ``refused`` says why none is proposed."""

    finding: Finding
    wanted: Wanted | None = None
    refused: str = ""
    # The same record stands above already.
    above: bool = False


def place_of(domain: str, kept: KeptAnswers) -> Place:
    """Return where a domain's records are kept, by the servers of its zone."""
    found = zone_of.find(domain, kept)
    if not isinstance(found, Zone):
        return Place(public_suffix.registrable(domain) or domain, dns_host.of(()), found.reason)
    host = dns_host.of(found.servers)
    words = language.text("The records of %(zone)s are kept by %(host)s.", zone=found.name, host=host.name)
    return Place(found.name, host, " ".join(filter(None, [words, host.where])))


def of_the_unborn(domain: str, kept: KeptAnswers, egress: Sequence[str], ours: OurKey | None) -> list[Finding]:
    """Return what is missing of a name that does not exist yet, so that one visit to the zone's host is enough."""
    now = clock.now()
    found = [
        *spf_audit.audit(Sender(domain, f"postmaster@{domain}", egress), kept, now),
        *dkim_audit.audit(domain, kept, ours=ours, selectors=(), now=now),
        *dmarc_audit.audit(domain, kept, now, mail_from_domain=domain),
    ]
    return [row for row in found if row.verdict is Verdict.WRONG]


def problems(domain: str, findings: Sequence[Finding], kept: KeptAnswers, egress: Sequence[str]) -> list[Problem]:
    """Return what is wrong, worst first; a record that mends several things is shown once."""
    wrong = sorted((row for row in findings if row.verdict is Verdict.WRONG), key=lambda row: -row.severity.rank)
    place, found, shown = place_of(domain, kept), [], set[tuple[str, str]]()
    for row in wrong:
        problem = _problem(domain, row, kept, egress, place)
        if problem.wanted is not None:
            record = problem.wanted.shown.record
            if (record.name, record.value) in shown:
                problem = Problem(row, above=True)
            shown.add((record.name, record.value))
        found.append(problem)
    return found


def _problem(domain: str, row: Finding, kept: KeptAnswers, egress: Sequence[str], place: Place) -> Problem:
    if not row.mend.startswith("v="):
        return Problem(row)
    if row.subject == domain and spf_record.is_spf(row.mend):
        proposed = spf_what_if.propose(domain, [spf_mend.network_term(ip) for ip in egress], kept)
        if not isinstance(proposed, Proposal):
            return Problem(row, refused=proposed.words)
        return Problem(row, Wanted(shown(domain, proposed.record, place), proposed.replaces))
    return Problem(row, Wanted(shown(row.subject, row.mend, place), _standing(row, kept)))


def shown(name: str, value: str, place: Place) -> Shown:
    """Return a TXT record in the form of the zone's host."""
    return record_form.shown(Record(name, "TXT", value), place.zone, place.host)


def _standing(row: Finding, kept: KeptAnswers) -> tuple[str, ...]:
    """Return the records that stand where this one belongs: DMARC and DKIM have names of their own, SPF has not."""
    said = kept.query(row.subject, "TXT")
    own = row.subject.startswith("_dmarc.") or "._domainkey." in row.subject
    texts = said.records if isinstance(said, Answer) else ()
    return tuple(text for text in texts if text != row.mend and (own or _is_spf_too(text, row.mend)))


def _is_spf_too(text: str, mend: str) -> bool:
    return spf_record.is_spf(text) and spf_record.is_spf(mend)


def needed(found: Sequence[Problem]) -> list[Problem]:
    """Return the problems that keep letters from arriving; the others are advice."""
    return [problem for problem in found if problem.finding.severity.rank >= Severity.ERROR.rank]


def request(domain: str, found: Sequence[Problem]) -> Request | None:
    """Return the mail that asks somebody to publish what is needed, None when nothing is."""
    wanted = [problem.wanted for problem in needed(found) if problem.wanted is not None]
    return record_request.write(domain, wanted) if wanted else None


def missing(found: Sequence[Problem]) -> list[Record]:
    """Return the records whose coming is waited for."""
    return [problem.wanted.shown.record for problem in needed(found) if problem.wanted is not None]


def advice(domain: str, kept: KeptAnswers) -> Advice:
    """Return whether to send as this domain or as one below it."""
    taken = [name for name in sub_domain_names(domain) if not isinstance(kept.query(name, "A"), NxDomain)]
    return sub_domain.recommend(domain, public_suffix.registrable(domain) or domain, kept.query(domain, "MX"), taken)
