"""Whether every server in charge of the domain gives the same answer: row X4.

A resolver asks one server of several, and a receiver's resolver another: where
they disagree, a mail passes here and fails there. A server that was changed a
moment ago may need minutes to tell the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dns_authority
from listkeeper.standards.dns import Answer, Outcome, Resolver, TempFail
from listkeeper.standards.dns_authority import Authority, Connect, Lame, NoZone, Silent, Survey

_REFERENCE = "RFC 1034 section 4.2, RFC 2182"
_NAMES = frozenset({"MX", "NS", "CNAME", "PTR"})


def audit(
    domain: str, resolver: Resolver, now: datetime, *, connect: Connect, questions: Sequence[tuple[str, str]] = ()
) -> list[Finding]:
    """Return the findings about the servers in charge of a domain, which is an A-label.

    ``questions`` are (name, type) pairs within its zone to ask beside the
    domain's own TXT and MX and its DMARC record; ``connect`` makes the
    resolver that asks one server.
    """
    asked = dict.fromkeys([(domain, "TXT"), (domain, "MX"), (f"_dmarc.{domain}", "TXT"), *questions])
    survey = dns_authority.ask_authorities(domain, list(asked), resolver, connect)
    if isinstance(survey, NoZone):
        words = language.text(
            "Unknown whether all name servers of %(domain)s say the same: %(reason)s.",
            domain=domain,
            reason=survey.reason,
        )
        return [Finding("X4", Severity.UNKNOWN, domain, words, reference=_REFERENCE)]
    differing = _differing(survey, now)
    lame = _lame(domain, survey)
    unheard = _unheard(domain, survey, now)
    return [*differing, *lame, *unheard] or [_agreed(domain, survey, now)]


def _answers(survey: Survey) -> dict[Authority, tuple[Outcome, ...]]:
    """Return what the servers said that could be asked."""
    return {authority: said for authority, said in survey.said.items() if isinstance(said, tuple)}


def _differing(survey: Survey, now: datetime) -> list[Finding]:
    found = []
    for at, (name, kind) in enumerate(survey.questions):
        heard = {authority: said[at] for authority, said in _answers(survey).items()}
        known = {authority: said for authority, said in heard.items() if not isinstance(said, TempFail)}
        if len({_content(said) for said in known.values()}) > 1:
            words = language.text(
                "The name servers of %(zone)s do not agree on the %(kind)s record of %(name)s. A change "
                "takes a while to reach all of them; if this lasts, tell your DNS host.",
                zone=survey.zone.name,
                kind=kind,
                name=name,
            )
            mend = language.text("Have your DNS host bring all name servers to the same content.")
            found.append(Finding("X4a", Severity.WARN, name, words, _by_server(known.items(), now), mend, _REFERENCE))
    return found


def _content(said: Outcome) -> tuple[str, ...]:
    """Return what must be the same: the records in any order, or what there is instead of them."""
    if not isinstance(said, Answer):
        return (type(said).__name__,)
    records = [record.lower() if said.kind in _NAMES else record for record in said.records]
    return ("Answer", *sorted(records))


def _by_server(heard: Iterable[tuple[Authority, Outcome]], now: datetime) -> str:
    return "\n".join(f"{authority.host} ({authority.at})\n{evidence.of(said, now)}" for authority, said in heard)


def _lame(domain: str, survey: Survey) -> list[Finding]:
    wrong = {authority.host: said.reason for authority, said in survey.said.items() if isinstance(said, Lame)}
    if not wrong:
        return []
    words = language.text(
        "The zone %(zone)s names servers that are not in charge of it, so some receivers wait or find nothing: "
        "%(servers)s.",
        zone=survey.zone.name,
        servers=_listed(wrong),
    )
    mend = language.text("Take these name servers out of the list at your registrar, or set them up.")
    return [Finding("X4b", Severity.WARN, domain, words, _listed(wrong, "\n"), mend, _REFERENCE)]


def _unheard(domain: str, survey: Survey, now: datetime) -> list[Finding]:
    silent = {authority.host: said.reason for authority, said in survey.said.items() if isinstance(said, Silent)}
    failed = [
        (authority, outcome)
        for authority, said in _answers(survey).items()
        for outcome in said
        if isinstance(outcome, TempFail)
    ]
    reasons = silent | {authority.host: outcome.reason for authority, outcome in failed}
    if not reasons:
        return []
    words = language.text(
        "Unknown whether all name servers of %(domain)s say the same, because these gave no answer: %(servers)s.",
        domain=domain,
        servers=_listed(reasons),
    )
    seen = "\n".join(filter(None, [_listed(silent, "\n"), _by_server(failed, now)]))
    return [Finding("X4", Severity.UNKNOWN, domain, words, seen, reference=_REFERENCE)]


def _listed(reasons: dict[str, str], between: str = "; ") -> str:
    return between.join(f"{host} ({reason})" for host, reason in reasons.items())


def _agreed(domain: str, survey: Survey, now: datetime) -> Finding:
    hosts = language.listed([authority.host for authority in survey.said])
    words = language.text("All name servers of %(domain)s say the same: %(hosts)s.", domain=domain, hosts=hosts)
    left = survey.zone.left_out
    if left:
        words = language.counted(
            "All name servers of %(domain)s that were asked say the same: %(hosts)s. %(number)s more was not asked.",
            "All name servers of %(domain)s that were asked say the same: %(hosts)s. %(number)s more were not asked.",
            left,
            domain=domain,
            hosts=hosts,
        )
    heard = [(authority, outcome) for authority, said in _answers(survey).items() for outcome in said]
    return Finding("X4", Severity.INFO, domain, words, _by_server(heard, now), reference=_REFERENCE)
