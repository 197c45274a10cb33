"""What the DNS says about a domain we send from, judged as a receiver would.

``audit`` asks what it can side by side and evaluates the answers. A domain
that does not exist has one finding and no others. Trouble in the DNS makes a
check unknown: never right, and never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address

from listkeeper.deliverability import dkim_audit, evidence, spf_audit
from listkeeper.deliverability.dkim_key import OurKey
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.spf_audit import Sender
from listkeeper.foundation import clock, language
from listkeeper.foundation.errors import Invalid
from listkeeper.standards import address
from listkeeper.standards.dns import Answer, NxDomain, Remembering, Resolver, TempFail, ask_all

_EXISTS = "RFC 5321 section 5.1, RFC 7505"
_DMARC = "RFC 9989 section 4.10"


def audit(  # noqa: PLR0913 - what a receiver's verdict depends on
    domain: str,
    resolver: Resolver,
    *,
    egress: Sequence[str] = (),
    dkim: OurKey | None = None,
    selectors: Sequence[str] = (),
    mail_from: str | None = None,
    now: datetime | None = None,
) -> list[Finding]:
    """Return the findings about a domain, worst trouble first where one hides the others.

    ``domain`` is an A-label. ``egress`` are the IP addresses receivers see us
    come from, empty when they are not known; ``dkim`` is our key for the
    domain; ``selectors`` are others to look at; ``mail_from`` is the envelope's
    sender when its domain differs. Raises Invalid when ``egress`` holds no addresses.
    """
    _refuse_non_addresses(egress)
    at = now or clock.now()
    memory = Remembering(resolver)
    senders = _senders(domain, mail_from, egress)
    ask_all(memory, _known_questions(domain, senders, dkim, selectors))
    existence = _existence(domain, memory, at)
    if existence.severity is Severity.ERROR and isinstance(memory.query(domain, "MX"), NxDomain):
        return [existence]
    return [
        existence,
        *(finding for sender in senders for finding in spf_audit.audit(sender, memory, at)),
        *dkim_audit.audit(domain, memory, ours=dkim, selectors=selectors, now=at),
        _dmarc(domain, memory, at),
    ]


def _refuse_non_addresses(egress: Sequence[str]) -> None:
    for ip in egress:
        try:
            ip_address(ip)
        except ValueError:
            raise Invalid("ip", language.text("%(ip)s is no IP address.", ip=ip)) from None


def _senders(domain: str, mail_from: str | None, egress: Sequence[str]) -> list[Sender]:
    whole = mail_from or f"postmaster@{domain}"
    envelope = address.domain_name(whole)
    sender = Sender(envelope, whole, egress)
    return [sender] if envelope == domain else [sender, Sender(domain, f"postmaster@{domain}", None)]


def _known_questions(
    domain: str, senders: Sequence[Sender], dkim: OurKey | None, selectors: Sequence[str]
) -> list[tuple[str, str]]:
    """Return what will be asked whatever the answers are: eight at a time is faster than one by one."""
    texts = [*(sender.domain for sender in senders), f"_dmarc.{domain}", *dkim_audit.names(domain, dkim, selectors)]
    return [*((name, "TXT") for name in texts), (domain, "MX"), (domain, "A"), (domain, "AAAA")]


def _existence(domain: str, resolver: Resolver, now: datetime) -> Finding:
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
            words = language.text("%(domain)s exists and can receive answers.", domain=domain)
            return Finding("X1", Severity.INFO, domain, words, seen, reference=_EXISTS)
        case _:
            return _without_mx(domain, resolver, now)


def _without_mx(domain: str, resolver: Resolver, now: datetime) -> Finding:
    outcomes = [resolver.query(domain, kind) for kind in ("MX", "A", "AAAA")]
    seen = evidence.of_several(outcomes, now)
    mend = language.text("Publish the MX record that your mail host names.")
    if any(isinstance(outcome, Answer) for outcome in outcomes):
        words = language.text(
            "%(domain)s has no MX record: answers go to its web server, if that takes mail at all.", domain=domain
        )
        return Finding("X1b", Severity.WARN, domain, words, seen, mend, _EXISTS)
    failed = next((outcome for outcome in outcomes if isinstance(outcome, TempFail)), None)
    if failed:
        words = language.text(
            "Unknown whether %(domain)s can receive answers, because the DNS gave no answer: %(reason)s.",
            domain=domain,
            reason=failed.reason,
        )
        return Finding("X1c", Severity.UNKNOWN, domain, words, seen, reference=_EXISTS)
    words = language.text("%(domain)s has neither an MX record nor an address: nobody could answer you.", domain=domain)
    return Finding("X1c", Severity.ERROR, domain, words, seen, mend, _EXISTS)


def _dmarc(domain: str, resolver: Resolver, now: datetime) -> Finding:
    """Say whether there is a DMARC record at the domain itself; those above it are not looked for."""
    name = f"_dmarc.{domain}"
    outcome = resolver.query(name, "TXT")
    seen = evidence.of(outcome, now)
    if isinstance(outcome, TempFail):
        words = language.text(
            "Unknown whether there is a DMARC record at %(name)s, because the DNS gave no answer: %(reason)s.",
            name=name,
            reason=outcome.reason,
        )
        return Finding("D1", Severity.UNKNOWN, name, words, seen, reference=_DMARC)
    texts = outcome.records if isinstance(outcome, Answer) else ()
    found = [text for text in texts if text.partition(";")[0].strip() == "v=DMARC1"]
    if len(found) > 1:
        words = language.counted(
            "There is %(number)s DMARC record at %(name)s.",
            "There are %(number)s DMARC records at %(name)s. Receivers then count none of them. Keep one.",
            len(found),
            name=name,
        )
        return Finding("D2", Severity.ERROR, name, words, seen, found[0], _DMARC)
    if found:
        words = language.text("There is a DMARC record at %(name)s.", name=name)
        return Finding("D1", Severity.INFO, name, words, seen, reference=_DMARC)
    if domain.count(".") > 1:
        words = language.text(
            "Unknown whether a DMARC record counts for %(domain)s, because there is none at %(name)s "
            "and the names above it were not asked.",
            domain=domain,
            name=name,
        )
        return Finding("D1", Severity.UNKNOWN, name, words, seen, reference=_DMARC)
    words = language.text(
        "There is no DMARC record at %(name)s. Gmail, Yahoo and Outlook ask for one. Publish this as a TXT record.",
        name=name,
    )
    return Finding("D1", Severity.ERROR, name, words, seen, "v=DMARC1; p=none", _DMARC)
