"""How many mails went to Gmail in a day, by the domain that all of a sender's names belong to: G10.

Gmail counts a domain with everything below it, and whoever once sends close to
5,000 mails in 24 hours to personal accounts is a bulk sender for good
(support.google.com/a/answer/14229414). Mail to Workspace accounts does not
count. We treat every sender as one, so this is only to know.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.deliverability import sending_domain
from listkeeper.deliverability.finding import Finding, Severity
from listkeeper.deliverability.sending_domain import SendingDomain
from listkeeper.foundation import clock, language
from listkeeper.sending.delivery import WENT_TO_GMAIL, Delivery
from listkeeper.standards import public_suffix

NEAR, BULK = 4_000, 5_000
_DAY = timedelta(hours=24)
_REFERENCE = "support.google.com/a/answer/14229414"


def to_gmail(session: Session) -> dict[str, int]:
    """Return how many mails Gmail took in the last 24 hours, by the registered domain of From; a bounce was taken too.

    The domain is that on the right of the Message-ID, which is that of From when the mail was written.
    """
    position = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
    domain = func.substr(Delivery.message_id, position(Delivery.message_id, "@") + 1).label("domain")
    query = select(domain, func.count()).where(WENT_TO_GMAIL, Delivery.handed_at >= clock.now() - _DAY).group_by(domain)
    counted: Counter[str] = Counter()
    for name, number in session.execute(query):
        counted[_organisation((name or "").rstrip(">"))] += number
    counted.pop("", None)
    return dict(counted)


def note(session: Session, organisation_id: int) -> None:
    """Write down when a domain first sent so much that Gmail counts it as bulk; the timetable calls this."""
    unmarked = [each for each in sending_domain.every(session, organisation_id) if each.bulk_since is None]
    counted = to_gmail(session) if unmarked else {}
    for domain in unmarked:
        if counted.get(_organisation(domain.name), 0) >= BULK:
            domain.bulk_since = clock.now()


def inspect(session: Session, domain: SendingDomain) -> Finding:
    """Return the finding about how much mail of a domain, and of all names beside it, Gmail took in a day."""
    name = _organisation(domain.name)
    return judge(name, to_gmail(session).get(name, 0), domain.bulk_since)


def judge(domain: str, number: int, since: datetime | None) -> Finding:
    """Return the finding about a number of mails in 24 hours; ``since`` is when 5,000 were first reached."""
    said = language.counted(
        "%(number)s mail from %(domain)s went to Gmail in the last 24 hours.",
        "%(number)s mails from %(domain)s went to Gmail in the last 24 hours.",
        number,
        number=language.number(number),
        domain=domain,
    )
    return Finding("G10", Severity.INFO, domain, f"{said} {_follows(number, since)}", reference=_REFERENCE)


def _follows(number: int, since: datetime | None) -> str:
    if since is not None:
        return language.text(
            "Since %(day)s Gmail has counted the domain as a bulk sender, and does so for good.",
            day=language.day(since),
        )
    if number >= BULK:
        return language.text("From now on Gmail counts the domain as a bulk sender, and does so for good.")
    if number >= NEAR:
        return language.text(
            "That is close to 5,000, from where on Gmail counts the domain as a bulk sender, and does so for good."
        )
    return language.text("From 5,000 on, Gmail counts a domain as a bulk sender.")


def _organisation(domain: str) -> str:
    return public_suffix.registrable(domain) or domain
