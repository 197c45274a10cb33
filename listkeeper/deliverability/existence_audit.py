"""Whether what is sent to the domain arrives: row X1, on which row M2 rests, and F14 (RFC 5321, RFC 7505).

Readers answer to the domain in From; what could not be delivered comes back to
the domain of the envelope, where it is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards.dns import Answer, NxDomain, Outcome, Resolver, TempFail, ask_all

_EXISTS = "RFC 5321 section 5.1, RFC 7505"
# Few domains have more than five mail hosts.
_MOST_HOSTS = 10


def audit(domain: str, resolver: Resolver, now: datetime) -> Finding:
    """Return the finding about a domain, which is an A-label."""
    mail = resolver.query(domain, "MX")
    seen = evidence.of(mail, now)
    match mail:
        case NxDomain():
            words = language.text("The domain %(domain)s does not exist. Check how it is spelled.", domain=domain)
            return Finding("X1", Severity.ERROR, domain, words, seen, reference=_EXISTS)
        case TempFail():
            words = language.text(
                "Unknown whether %(domain)s exists, because the DNS gave no answer: %(reason)s.",
                domain=domain,
                reason=mail.reason,
            )
            return Finding("X1", Severity.UNKNOWN, domain, words, seen, reference=_EXISTS)
        case Answer() if not any(mail.hosts()):
            words = language.text("%(domain)s refuses all mail (null MX): nobody could answer you.", domain=domain)
            mend = language.text("Replace the record by the MX of your mail host.")
            return Finding("X1a", Severity.ERROR, domain, words, seen, mend, _EXISTS)
        case Answer():
            return _with_mx(domain, mail, resolver, now)
        case _:
            return _without_mx(domain, resolver, now)


def of_envelope(domain: str, resolver: Resolver, now: datetime) -> Finding:
    """Return the finding about the domain of an envelope's sender, an A-label: whether bounces can reach it."""
    outcomes = [resolver.query(domain, kind) for kind in ("MX", "A", "AAAA")]
    seen = evidence.of_several(outcomes, now)
    mail, values = outcomes[0], {"domain": domain}
    if isinstance(mail, Answer) and not any(mail.hosts()):
        words = language.text(
            "%(domain)s refuses all mail (null MX): what could not be delivered never comes back.", **values
        )
        return Finding("F14", Severity.ERROR, domain, words, seen, _mend(), _EXISTS)
    if any(isinstance(outcome, Answer) for outcome in outcomes):
        words = language.text("What could not be delivered comes back to %(domain)s.", **values)
        return Finding("F14", Severity.INFO, domain, words, seen, reference=_EXISTS)
    if failed := next((outcome for outcome in outcomes if isinstance(outcome, TempFail)), None):
        words = language.text(
            "Unknown whether what could not be delivered comes back to %(domain)s, "
            "because the DNS gave no answer: %(reason)s.",
            reason=failed.reason,
            **values,
        )
        return Finding("F14", Severity.UNKNOWN, domain, words, seen, reference=_EXISTS)
    words = language.text(
        "%(domain)s has neither an MX record nor an address: what could not be delivered never comes back.", **values
    )
    return Finding("F14", Severity.ERROR, domain, words, seen, _mend(), _EXISTS)


def is_missing(found: Finding, resolver: Resolver) -> bool:
    """Return whether the finding says that there is no such domain, so that nothing else can be said of it."""
    return found.severity is Severity.ERROR and isinstance(resolver.query(found.subject, "MX"), NxDomain)


def _with_mx(domain: str, mail: Answer, resolver: Resolver, now: datetime) -> Finding:
    hosts = list(dict.fromkeys(host for host in mail.hosts() if host))[:_MOST_HOSTS]
    outcomes = ask_all(resolver, [(host, kind) for host in hosts for kind in ("A", "AAAA")])
    of_host = {host: outcomes[2 * at : 2 * at + 2] for at, host in enumerate(hosts)}
    lost = [host for host, said in of_host.items() if not any(isinstance(one, Answer | TempFail) for one in said)]
    seen = evidence.of_several([mail, *(one for host in lost for one in of_host[host])], now)
    if len(lost) == len(hosts):
        return _leads_nowhere(domain, lost, seen)
    if not any(isinstance(one, Answer) for one in outcomes):
        return _unknown("X1d", domain, outcomes, now)
    if lost:
        words = language.text(
            "These mail hosts of %(domain)s have no address, so mail to you is late or lost: %(hosts)s.",
            domain=domain,
            hosts=", ".join(lost),
        )
        return Finding("X1e", Severity.WARN, domain, words, seen, _mend(), _EXISTS)
    words = language.text("%(domain)s exists and can receive answers.", domain=domain)
    return Finding("X1", Severity.INFO, domain, words, seen, reference=_EXISTS)


def _leads_nowhere(domain: str, hosts: Sequence[str], seen: str) -> Finding:
    words = language.text(
        "The MX record of %(domain)s leads to nothing: there is no address at %(hosts)s, so nobody could answer you.",
        domain=domain,
        hosts=", ".join(hosts),
    )
    return Finding("X1d", Severity.ERROR, domain, words, seen, _mend(), _EXISTS)


def _mend() -> str:
    return language.text("Publish the MX record that your mail host names.")


def _without_mx(domain: str, resolver: Resolver, now: datetime) -> Finding:
    outcomes = [resolver.query(domain, kind) for kind in ("MX", "A", "AAAA")]
    seen = evidence.of_several(outcomes, now)
    if any(isinstance(outcome, Answer) for outcome in outcomes):
        words = language.text(
            "%(domain)s has no MX record: answers go to its web server, if that takes mail at all.", domain=domain
        )
        return Finding("X1b", Severity.WARN, domain, words, seen, _mend(), _EXISTS)
    if any(isinstance(outcome, TempFail) for outcome in outcomes):
        return _unknown("X1c", domain, outcomes, now)
    words = language.text("%(domain)s has neither an MX record nor an address: nobody could answer you.", domain=domain)
    return Finding("X1c", Severity.ERROR, domain, words, seen, _mend(), _EXISTS)


def _unknown(code: str, domain: str, outcomes: Sequence[Outcome], now: datetime) -> Finding:
    failed = next(outcome for outcome in outcomes if isinstance(outcome, TempFail))
    words = language.text(
        "Unknown whether %(domain)s can receive answers, because the DNS gave no answer: %(reason)s.",
        domain=domain,
        reason=failed.reason,
    )
    return Finding(code, Severity.UNKNOWN, domain, words, evidence.of_several(outcomes, now), reference=_EXISTS)
