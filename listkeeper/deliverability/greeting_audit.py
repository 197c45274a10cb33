"""Whether SPF lets our address pass by the name our server greets with: row S8 (RFC 7208 section 2.3).

A bounce has an empty return path, so receivers judge it by the name after
EHLO. Where that name is not known, it is looked for where most servers take
theirs from: the name of the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import reverse_name, spf, spf_mend, spf_record
from listkeeper.standards.dns import Answer, Resolver
from listkeeper.standards.reverse_name import Confirmed
from listkeeper.standards.spf import Result, SpfResult

_REFERENCE = "RFC 7208 section 2.3"


def audit(egress: Sequence[str], ehlo: str | None, resolver: Resolver, now: datetime) -> list[Finding]:
    """Return a finding for each of our addresses that has a name to greet with; none where nothing is known."""
    named = [(ip, name) for ip in dict.fromkeys(egress) if (name := ehlo or _name_of(ip, resolver))]
    return [_judged(ip, name, resolver, now) for ip, name in named]


def _name_of(ip: str, resolver: Resolver) -> str | None:
    said = reverse_name.confirm(ip, resolver)
    return said.names[0] if isinstance(said, Confirmed) else None


def _judged(ip: str, name: str, resolver: Resolver, now: datetime) -> Finding:
    said = spf.check_host(ip, name, f"postmaster@{name}", name, resolver, now=now)
    shown = _shown(ip, name, said)
    match said.result:
        case Result.PASS:
            words = language.text(
                "SPF lets %(ip)s pass by the name %(name)s as well, as bounces need it.", ip=ip, name=name
            )
            return Finding("S8", Severity.INFO, name, words, shown, reference=_REFERENCE)
        case Result.TEMPERROR:
            words = language.text(
                "Unknown whether SPF lets %(ip)s pass by the name %(name)s: %(reason)s.",
                ip=ip,
                name=name,
                reason=said.reason,
            )
            return Finding("S8", Severity.UNKNOWN, name, words, shown, reference=_REFERENCE)
        case _:
            words = language.text(
                "SPF does not let %(ip)s pass by the name %(name)s, by which receivers judge bounces. Publish this "
                "as a TXT record there.",
                ip=ip,
                name=name,
            )
            mend = spf_mend.merge(_published(name, resolver), [spf_mend.network_term(ip)])
            return Finding("S8a", Severity.INFO, name, words, shown, mend, _REFERENCE)


def _published(name: str, resolver: Resolver) -> list[str]:
    outcome = resolver.query(name, "TXT")
    return [text for text in outcome.records if spf_record.is_spf(text)] if isinstance(outcome, Answer) else []


def _shown(ip: str, name: str, said: SpfResult) -> str:
    path = " → ".join(said.path())
    return "\n".join(filter(None, [f"check_host({ip}, {name}, EHLO {name}) = {said.result}", path, said.reason]))
