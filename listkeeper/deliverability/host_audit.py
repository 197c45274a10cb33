"""Whether the machines our mail leaves from have a name that receivers believe: the G3 rows.

Receivers look at the address a message comes from. Mail that goes through a
relay comes from the relay's address, whose name is the relay's affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address

from listkeeper.deliverability import evidence
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.foundation import language
from listkeeper.standards import dns, reverse_name
from listkeeper.standards.dns import Answer, Resolver, TempFail, ask_all
from listkeeper.standards.reverse_name import Confirmed, Nameless, NotKnown, Unconfirmed

_POINTER = "RFC 1912 section 2.1, Gmail 5.7.25"
_EHLO = "RFC 5321 sections 4.1.1.1 and 4.1.4"


def audit(
    egress: Sequence[str], ehlo: str | None, resolver: Resolver, now: datetime, *, through_relay: bool = False
) -> list[Finding]:
    """Return the findings about the names of our addresses and the name our server greets with.

    ``egress`` are the IP addresses receivers see us come from, empty when they
    are not known; ``ehlo`` is the name after EHLO, None when it is not known.
    Raises ValueError when ``egress`` holds no addresses.
    """
    if through_relay:
        return [_not_ours(ehlo)]
    if not egress:
        return [_no_address(ehlo), *_greeting(ehlo, resolver, now)]
    found = [finding for ip in dict.fromkeys(egress) for finding in _named(ip, ehlo, resolver, now)]
    return [*found, *_greeting(ehlo, resolver, now)]


def _not_ours(ehlo: str | None) -> Finding:
    words = language.text(
        "Mail leaves through a relay, so receivers look at the relay's address and its name: nothing to check here."
    )
    return Finding("G3", Severity.INFO, ehlo or language.text("relay"), words, reference=_POINTER)


def _no_address(ehlo: str | None) -> Finding:
    words = language.text(
        "Unknown whether our address has a name that leads back to it, "
        "because the address your sending way sends from is not known."
    )
    return Finding("G3", Severity.UNKNOWN, ehlo or language.text("sending way"), words, reference=_POINTER)


def _named(ip: str, ehlo: str | None, resolver: Resolver, now: datetime) -> list[Finding]:
    said = reverse_name.confirm(ip, resolver)
    seen = evidence.of_several(said.outcomes, now)
    match said:
        case NotKnown():
            words = language.text(
                "Unknown whether %(ip)s has a name that leads back to it, because the DNS gave no answer: %(reason)s.",
                ip=ip,
                reason=said.reason,
            )
            return [Finding("G3", Severity.UNKNOWN, ip, words, seen, reference=_POINTER)]
        case Nameless():
            words = language.text(
                "%(ip)s has no name (PTR record). Gmail and Apple ask for one and may refuse the mail.", ip=ip
            )
            return [Finding("G3", Severity.ERROR, ip, words, seen, _pointer(ip, ehlo), _POINTER)]
        case Unconfirmed():
            return [_unconfirmed(ip, said, seen)]
        case Confirmed():
            return [_confirmed(ip, said, seen), *_counted_name(ip, said, ehlo, seen)]


def _pointer(ip: str, ehlo: str | None) -> str:
    """Return what to ask the owner of the address for."""
    name = ehlo if ehlo and dns.can_be_asked(ehlo) else "mail.example.com"
    record = f"{dns.reverse_name(ip)} PTR {name}"
    return language.text(
        "Whoever rents you the address sets its name. Ask them for this record: %(record)s", record=record
    )


def _unconfirmed(ip: str, said: Unconfirmed, seen: str) -> Finding:
    names = ", ".join(said.names)
    words = language.text(
        "The name of %(ip)s, %(names)s, does not lead back to it. Gmail and Apple ask for that "
        "and may refuse the mail.",
        ip=ip,
        names=names,
    )
    kind = "AAAA" if ":" in ip else "A"
    mend = language.text("Publish this record: %(record)s", record=f"{said.names[0]} {kind} {ip}")
    return Finding("G3a", Severity.ERROR, ip, words, seen, mend, _POINTER)


def _confirmed(ip: str, said: Confirmed, seen: str) -> Finding:
    words = language.text(
        "The name of %(ip)s is %(names)s and leads back to it, as it must.", ip=ip, names=", ".join(said.names)
    )
    return Finding("G3", Severity.INFO, ip, words, seen, reference=_POINTER)


def _counted_name(ip: str, said: Confirmed, ehlo: str | None, seen: str) -> list[Finding]:
    if not all(reverse_name.holds_digits_of(name, ip) for name in said.names):
        return []
    words = language.text(
        "The name of %(ip)s, %(names)s, is made of its number, as those of home connections are. "
        "Receivers trust a name of its own more.",
        ip=ip,
        names=", ".join(said.names),
    )
    return [Finding("G3b", Severity.WARN, ip, words, seen, _pointer(ip, ehlo), _POINTER)]


def _greeting(ehlo: str | None, resolver: Resolver, now: datetime) -> list[Finding]:
    if ehlo is None:
        return []
    if _is_literal(ehlo):
        words = language.text("Our server greets others with its number, %(name)s, and not with a name.", name=ehlo)
        return [Finding("G3c", Severity.WARN, ehlo, words, mend=_own_name(), reference=_EHLO)]
    outcomes = ask_all(resolver, [(ehlo, "A"), (ehlo, "AAAA")])
    seen = evidence.of_several(outcomes, now)
    if any(isinstance(said, Answer) for said in outcomes):
        words = language.text("The name our server greets others with, %(name)s, has an address.", name=ehlo)
        return [Finding("G3c", Severity.INFO, ehlo, words, seen, reference=_EHLO)]
    failed = next((said for said in outcomes if isinstance(said, TempFail)), None)
    if failed:
        words = language.text(
            "Unknown whether %(name)s, which our server greets others with, has an address, "
            "because the DNS gave no answer: %(reason)s.",
            name=ehlo,
            reason=failed.reason,
        )
        return [Finding("G3c", Severity.UNKNOWN, ehlo, words, seen, reference=_EHLO)]
    words = language.text("The name our server greets others with, %(name)s, has no address.", name=ehlo)
    return [Finding("G3c", Severity.ERROR, ehlo, words, seen, _own_name(), _EHLO)]


def _own_name() -> str:
    return language.text("Let the server greet with the name of its own address.")


def _is_literal(ehlo: str) -> bool:
    try:
        return bool(ip_address(ehlo.strip("[]").removeprefix("IPv6:")))
    except ValueError:
        return False
