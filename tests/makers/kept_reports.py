"""Reports of many receivers, and a send log to lay beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import report_intake
from listkeeper.deliverability.report_keeping import Outcome
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState

DOMAIN = "shop.example"


@dataclass(frozen=True)
class Mail:
    """So many messages from one address, and how a receiver judged them; ``selector`` is of a signature that passed."""

    ip: str
    count: int = 1
    dkim: str = "pass"
    spf: str = "pass"
    selector: str = ""
    author: str = DOMAIN
    reason: str = ""


def owner(session: Session) -> Organisation:
    """Found the business whose domains the reports are about."""
    return organisation.found(
        session, legal_name="Shop", postal_address="Street 1\n1000 Town", from_address=f"hello@{DOMAIN}", spoken="en"
    )


def xml(
    day: date,
    *mails: Mail,
    sender: str = "Receiver",
    number: str = "",
    domain: str = DOMAIN,
    policy: str = "<p>none</p>",
    days: int = 1,
) -> bytes:
    """Return an aggregate report about whole days from one on (UTC); its id is that of the day, unless one is given."""
    begin = datetime.combine(day, time(), UTC)
    end = begin + timedelta(days=days) - timedelta(seconds=1)
    return (
        f"<feedback><report_metadata><org_name>{sender}</org_name><report_id>{number or day.isoformat()}</report_id>"
        f"<date_range><begin>{int(begin.timestamp())}</begin><end>{int(end.timestamp())}</end></date_range>"
        f"</report_metadata><policy_published><domain>{domain}</domain>{policy}</policy_published>"
        f"{''.join(_row(mail) for mail in mails)}</feedback>"
    ).encode()


def _row(mail: Mail) -> str:
    reason = f"<reason><type>{mail.reason}</type></reason>" if mail.reason else ""
    selector = f"<selector>{mail.selector}</selector>" if mail.selector else ""
    return (
        f"<record><row><source_ip>{mail.ip}</source_ip><count>{mail.count}</count><policy_evaluated>"
        f"<disposition>none</disposition><dkim>{mail.dkim}</dkim><spf>{mail.spf}</spf>{reason}</policy_evaluated></row>"
        f"<identifiers><header_from>{mail.author}</header_from></identifiers><auth_results><dkim><domain>{mail.author}"
        f"</domain>{selector}<result>{mail.dkim}</result></dkim><spf><domain>{mail.author}</domain>"
        f"<result>{mail.spf}</result></spf></auth_results></record>"
    )


def tls(*policies: tuple[str, int, dict[tuple[str, str], int]], number: str = "t-1", day: str = "2026-11-22") -> bytes:
    """Return a TLS report: for each policy its domain, the sessions that went well, and those that failed, by cause."""
    found = [
        {
            "policy": {"policy-type": "sts", "policy-domain": domain},
            "summary": {"total-successful-session-count": well, "total-failure-session-count": sum(failed.values())},
            "failure-details": [
                {"result-type": kind, "receiving-mx-hostname": server, "failed-session-count": sessions}
                for (server, kind), sessions in failed.items()
            ],
        }
        for domain, well, failed in policies
    ]
    span = {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"}
    said = {"organization-name": "Sender", "date-range": span, "report-id": number, "policies": found}
    return json.dumps(said).encode()


def bring(session: Session, whose: Organisation, *reports: bytes) -> list[Outcome]:
    """Hand reports in by the one door."""
    found = [report_intake.receive(session, whose, report) for report in reports]
    session.flush()
    return found


def left(
    session: Session,
    whose: Organisation,
    at: datetime,
    number: int,
    *,
    way: str | None = "smtp",
    domain: str = DOMAIN,
    state: DeliveryState = DeliveryState.ACCEPTED,
    campaign_id: int | None = None,
) -> None:
    """Write into the send log that so many mails were handed over at a moment."""
    for place in range(number):
        occasion = f"{at.isoformat()}:{way}:{domain}:{state}:{campaign_id}:{place}"
        session.add(
            Delivery(
                organisation_id=whose.id,
                message_class=MessageClass.TRANSACTIONAL,
                lane=Lane.URGENT,
                occasion=occasion,
                state=state,
                way=way,
                campaign_id=campaign_id,
                message_id=f"<{place}.{at.timestamp():.0f}@{domain}>",
                handed_at=at,
                # It may come back, or be settled, much later.
                settled_at=at + timedelta(days=3),
                attempts=1,
            )
        )
    session.flush()
