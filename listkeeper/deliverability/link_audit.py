"""Whether the links in our letters speak for the domain they come from: row X3.

Every link, form and picture of a letter leads to one public address. Where
that is another name than the one in From, receivers see two senders; where it
is not encrypted, browsers warn; and where a list of bad links holds it, the
letter is hidden whatever its signature says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.foundation import fetch, language
from listkeeper.foundation.fetch import PageReader
from listkeeper.standards import public_suffix

_LINKS = "RFC 8058 section 3.1, Gmail sender guidelines"


@dataclass(frozen=True)
class Links:
    """Where the links of our letters lead, and who says whether a list of bad links holds a domain.

    ``address`` is a web address, with neither path nor query. ``listed`` asks
    the lists the owner chose about a domain and returns their R rows; None
    where none was chosen.
    """

    address: str
    listed: Callable[[str], Sequence[Finding]] | None = None


def audit(domain: str, links: Links | None, *, reader: PageReader | None = None) -> list[Finding]:
    """Return the findings about the links of mail from a domain, which is an A-label; none where no address is set.

    Without a ``reader`` the certificate is not looked at and is unknown.
    """
    if links is None:
        return []
    parts = urlsplit(links.address)
    host = parts.hostname or ""
    found = [] if _is_of(domain, host) else [_another_name(domain, host)]
    found += [_not_encrypted(links.address)] if parts.scheme != "https" else _unopened(links.address, reader)
    said = links.listed(host) if links.listed and _is_name(host) else ()
    found += [_held(host, row) for row in said if row.verdict is not Verdict.RIGHT]
    return found or [_right(links, host)]


def _is_of(domain: str, host: str) -> bool:
    """Whether a host and a domain belong to one registered name."""
    return host == domain or (
        _is_name(host) and (public_suffix.registrable(host) or host) == (public_suffix.registrable(domain) or domain)
    )


def _is_name(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return "." in host
    return False


def _right(links: Links, host: str) -> Finding:
    if links.listed is None:
        words = language.text(
            "The links of your letters lead to %(host)s, encrypted and under the same name. "
            "No list of bad links was asked, because none was chosen.",
            host=host,
        )
    else:
        words = language.text(
            "The links of your letters lead to %(host)s, encrypted and under the same name, "
            "and no list that was asked holds it.",
            host=host,
        )
    return Finding("X3", Severity.INFO, host, words, links.address, reference=_LINKS)


def _another_name(domain: str, host: str) -> Finding:
    words = language.text(
        "The links of your letters lead to %(host)s, and the letters come from %(domain)s: "
        "receivers and readers see two senders.",
        host=host,
        domain=domain,
    )
    mend = language.text(
        "Give this server a name below %(domain)s and set LISTKEEPER_PUBLIC_URL to it.",
        domain=public_suffix.registrable(domain) or domain,
    )
    return Finding("X3b", Severity.WARN, host, words, mend=mend, reference=_LINKS)


def _not_encrypted(address: str) -> Finding:
    words = language.text(
        "The links of your letters lead to %(address)s, which is not encrypted: browsers warn of it, "
        "and one-click leaving does not count.",
        address=address,
    )
    mend = language.text("Put a certificate on this server and set LISTKEEPER_PUBLIC_URL to its https address.")
    return Finding("X3a", Severity.WARN, address, words, address, mend, _LINKS)


def _unopened(address: str, reader: PageReader | None) -> list[Finding]:
    """Return why the address does not open for somebody who asks for a valid certificate; nothing where it does."""
    page = reader.get(f"{address.rstrip('/')}/") if reader else None
    if isinstance(page, fetch.Answer):
        return []
    if isinstance(page, fetch.Unreachable) and page.distrusted:
        words = language.text(
            "Nobody can open the links of your letters at %(address)s: %(reason)s.", address=address, reason=page.reason
        )
        mend = language.text("Renew the certificate of this server.")
        return [Finding("X3d", Severity.WARN, address, words, address, mend, _LINKS)]
    reason = page.reason if page else language.text("web servers were not asked")
    words = language.text(
        "Unknown whether the links of your letters open at %(address)s: %(reason)s.", address=address, reason=reason
    )
    return [Finding("X3", Severity.UNKNOWN, address, words, address, reference=_LINKS)]


def _held(host: str, row: Finding) -> Finding:
    """Return what a list said of the host, as a row about our links."""
    code = "X3c" if row.severity is Severity.WARN else "X3"
    return Finding(code, row.severity, host, row.message, row.evidence, row.mend, row.reference)
