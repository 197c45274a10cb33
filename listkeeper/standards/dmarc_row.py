"""One row of an aggregate report: so many messages from one address that fared alike (RFC 7489 appendix C, RFC 9990).

Every element may be missing but the address and the number. Results are in
small letters, whatever letters the receiver wrote them in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from listkeeper.foundation import language
from listkeeper.standards.dmarc_xml import Element

_PASS = "pass"  # noqa: S105 - no password
_MOST_RESULTS = 50
_COUNT = re.compile(r"[0-9]{1,12}")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a receiver did something else than the policy says: a word of the schema, and its own words."""

    kind: str
    comment: str


@dataclass(frozen=True, slots=True)
class DkimResult:
    """One DKIM signature as the receiver judged it, aligned or not; ``result`` in the words of RFC 8601."""

    domain: str
    selector: str
    result: str
    human_result: str


@dataclass(frozen=True, slots=True)
class SpfResult:
    """SPF as the receiver judged it; ``scope`` is mfrom, helo or not said."""

    domain: str
    scope: str
    result: str
    human_result: str


@dataclass(frozen=True, slots=True)
class Row:
    """So many messages from one address that fared alike.

    ``disposition`` is what was done with them (none, pass, quarantine,
    reject), ``dkim`` and ``spf`` whether each passed and was aligned (pass,
    fail). Words are in small letters, and empty where the report says nothing.
    """

    source_ip: Address
    count: int
    disposition: str
    dkim: str
    spf: str
    reasons: tuple[Reason, ...]
    header_from: str
    envelope_from: str
    envelope_to: str
    dkim_results: tuple[DkimResult, ...]
    spf_results: tuple[SpfResult, ...]

    @property
    def aligned(self) -> bool:
        """Whether DMARC passed: one of the two did."""
        return _PASS in {self.dkim, self.spf}


def of(record: Element) -> Row | str:
    """Return the row of a ``record`` element, or the words that say why there is none."""
    said, source, count = record.said, address_of(record.said("row", "source_ip")), record.said("row", "count")
    if source is None:
        return language.text("“%(said)s” is no IP address", said=said("row", "source_ip"))
    if not _COUNT.fullmatch(count):
        return language.text("“%(said)s” is no number of messages", said=count)
    evaluated = _below(record, "row", "policy_evaluated")
    results = _below(record, "auth_results")
    # An empty reason says nothing, and some receivers write one.
    reasons = (Reason(one.said("type").lower(), one.said("comment")) for one in evaluated.every("reason"))
    return Row(
        source_ip=source,
        count=int(count),
        disposition=evaluated.said("disposition").lower(),
        dkim=evaluated.said("dkim").lower(),
        spf=evaluated.said("spf").lower(),
        reasons=tuple(reason for reason in reasons if reason.kind or reason.comment)[:_MOST_RESULTS],
        header_from=said("identifiers", "header_from").lower(),
        envelope_from=said("identifiers", "envelope_from").lower(),
        envelope_to=said("identifiers", "envelope_to").lower(),
        dkim_results=tuple(_dkim(one) for one in results.every("dkim")[:_MOST_RESULTS]),
        spf_results=tuple(_spf(one) for one in results.every("spf")[:_MOST_RESULTS]),
    )


def _below(element: Element, *path: str) -> Element:
    for name in path:
        element = next((one for one in element.below if one.name == name), Element(name))
    return element


def _dkim(one: Element) -> DkimResult:
    return DkimResult(
        one.said("domain").lower(), one.said("selector"), one.said("result").lower(), one.said("human_result")
    )


def _spf(one: Element) -> SpfResult:
    return SpfResult(
        one.said("domain").lower(), one.said("scope").lower(), one.said("result").lower(), one.said("human_result")
    )


def address_of(text: str) -> Address | None:
    """Return an address in its own form: an IPv4 address that is written as an IPv6 one is the IPv4 address."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return None if found.scope_id else found.ipv4_mapped or found
    return found
