"""What a check of a sending domain brought that its owner should hear of, wherever the check was made.

Kept in one place: a check that was kept and not told would be what the next
one is compared with, and nobody would ever hear that something became worse.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.deliverability import domain_check, drift
from listkeeper.deliverability.domain_check import Checked, RecordChange
from listkeeper.deliverability.finding import Finding
from listkeeper.deliverability.gate import Gate
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language, log
from listkeeper.sending import incident, planning
from listkeeper.sending.incident import IncidentKind

_log = log.get(__name__)


def keep(session: Session, domain: SendingDomain, checked: Checked, gate: Gate) -> list[RecordChange]:
    """Keep a check, and write to the owners about what became worse; in practice mode, where nothing leaves, nobody."""
    before = drift.believed(session, domain)
    changes = domain_check.keep(session, domain, checked)
    _log.info("domain.checked", domain=domain.public_id, changes=len(changes))
    if gate is not Gate.HINT and before is not None:
        _tell(session, domain, drift.worse(before, checked.findings), checked)
    return changes


def _tell(session: Session, domain: SendingDomain, worse: Sequence[Finding], checked: Checked) -> None:
    if not worse:
        if drift.is_over(checked.findings):
            incident.over(session, IncidentKind.DOMAIN_WORSE, domain=domain.name)
        return
    words = language.text(
        "The records of %(domain)s have changed for the worse: %(findings)s",
        domain=domain.name,
        findings=" ".join(dict.fromkeys(row.message for row in worse)),
    )
    stands = incident.report(session, IncidentKind.DOMAIN_WORSE, words, domain=domain.name)
    # What was told of before and what is new make one mail, and it is told at once.
    stands.told_at = clock.now()
    session.flush()
    _log.warning("domain.worse", domain=domain.public_id, codes=sorted({row.code for row in worse}))
    planning.mail_incident(session, session.get_one(Organisation, domain.organisation_id), stands)
