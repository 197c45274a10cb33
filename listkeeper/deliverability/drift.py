"""What has become worse about a sending domain since the check before: only that is worth a mail to its owner.

Trouble in the DNS is never drift: what is unknown now is compared with what was
known before it, and asked for again soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from listkeeper.deliverability import domain_check
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.sending_domain import SendingDomain

DAILY = timedelta(hours=23)
# Where the DNS gave no answer it is asked again; a fault is one only when an answer says so.
SOON = timedelta(minutes=10)
# An include that others changed may bring the record near the limit: no fault yet, and too late when it is one.
_NEAR = "S2b"
_LOOKED_BACK = 20


def worse(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """Return the findings that were not there before and that mend themselves for nobody."""
    known = {(row.code, row.subject) for row in before if _tells(row)}
    return [row for row in after if _tells(row) and (row.code, row.subject) not in known]


def _tells(row: Finding) -> bool:
    return row.severity.rank >= Severity.ERROR.rank or row.code == _NEAR


def is_over(findings: Sequence[Finding]) -> bool:
    """Return whether nothing is left that is worth telling, and no silence that may hide it."""
    return not any(_tells(row) or _is_silence(row) for row in findings)


def _is_silence(row: Finding) -> bool:
    # What is unknown for another reason, such as an address nobody has told us, was shown nothing by the DNS. What is
    # silent about a minor check hides nothing that is told.
    return row.severity is Severity.UNKNOWN and bool(row.evidence) and not row.is_minor


def is_due(domain: SendingDomain, now: datetime, at_most: timedelta) -> bool:
    """Return whether a domain's records should be read again; ``at_most`` is how old a check may be."""
    if domain.last_checked_at is None:
        return True
    silent = any(_is_silence(row) for row in domain.last_findings)
    return now - domain.last_checked_at >= (min(at_most, SOON) if silent else at_most)


def believed(session: Session, domain: SendingDomain) -> list[Finding] | None:
    """Return what the last kept check found in which silence hid nothing; None when there is none to compare with."""
    for check in domain_check.history(session, domain, _LOOKED_BACK):
        if not any(_is_silence(row) for row in check.last_findings):
            return check.last_findings
    return None
