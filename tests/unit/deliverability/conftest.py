"""A name server on loopback, a domain audited through it, and what was found of one code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from listkeeper.deliverability import dns_audit
from listkeeper.deliverability.finding import Finding, Severity, Verdict
from listkeeper.standards.dns import LiveResolver
from tests.fakes import dns_server
from tests.fakes.dns_server import DnsServer
from tests.makers.domain_zones import DOMAIN, IP, NOW, OURS, Zone


@pytest.fixture
def server() -> Iterator[DnsServer]:
    """A name server that knows nothing yet."""
    with dns_server.serving({}) as running:
        yield running


def audited(server: DnsServer, records: Zone, *, timeout: float = 2.0, **options: object) -> list[Finding]:
    """Publish a zone and audit the domain in it; ``options`` of the audit stand in place of the usual ones."""
    server.publish(records)
    asked: dict[str, object] = {"egress": [IP], "dkim": OURS, "now": NOW} | options
    return dns_audit.audit(DOMAIN, LiveResolver(server.address, timeout), **asked)  # type: ignore[arg-type]


def codes_of(found: list[Finding], *verdicts: Verdict) -> dict[str, Severity]:
    """Return the codes of some verdicts, with how severe each is."""
    return {one.code: one.severity for one in found if one.verdict in verdicts}


def the_one(found: list[Finding], code: str) -> Finding:
    """Return the finding of a code; there must be exactly one."""
    [only] = [one for one in found if one.code == code]
    return only
