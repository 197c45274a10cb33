"""What a real mail has shown takes the place of what nobody could know: whether SPF lets our mail pass by a relay.

Through somebody else's server the address that receivers see is theirs, and
known to nobody here. A receiver saw it, and said whether SPF passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from listkeeper.deliverability import domain_check, round_trip
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.round_trip import Proof
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock

# A way to send is changed seldom, and by whoever brought the mail.
LASTS = timedelta(days=30)
_ROW = "G1"
_LOOKED_BACK = 100


def known(session: Session, domain: SendingDomain, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings of a domain's last check, with what a receiver saw of SPF in place of what is not known.

    It holds for 30 days, and not past a change of the records it rests on.
    """
    seen = _seen(session, domain)
    return [row if seen is None or not _is_open(row) else seen for row in findings]


def encryption(domain: SendingDomain) -> list[Finding]:
    """Return what a receiver saw of encryption on the way to it, within the last 30 days (check G4)."""
    proof = _recent(domain)
    return [row for row in proof.findings if row.code == "G4"] if proof is not None else []


def _is_open(row: Finding) -> bool:
    # Silence of the DNS has evidence, and stays: the record may be gone.
    return row.code == _ROW and row.severity is Severity.UNKNOWN and not row.evidence


def _seen(session: Session, domain: SendingDomain) -> Finding | None:
    proof = _recent(domain)
    if proof is None:
        return None
    said = [row for row in proof.findings if row.code == _ROW]
    passed = bool(said) and all(row.severity is Severity.INFO for row in said)
    return said[0] if passed and not _changed_since(session, domain, proof.at) else None


def _recent(domain: SendingDomain) -> Proof | None:
    proof = round_trip.last(domain)
    return proof if proof is not None and proof.believed and clock.now() - proof.at <= LASTS else None


def _changed_since(session: Session, domain: SendingDomain, moment: datetime) -> bool:
    newer = [check for check in domain_check.history(session, domain, _LOOKED_BACK) if check.at > moment]
    return any(change["type"] == "TXT" for check in newer for change in check.changes)
