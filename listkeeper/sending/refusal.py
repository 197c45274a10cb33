"""A receiver that refuses one of our domains: its queue stands still, with the evidence and what mends it.

It is freed by a person who has mended it, or by a trial: after an hour without
any mail a few are let through, and when they are taken the rest follows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from listkeeper.deliverability import mail_provider
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation import clock, language
from listkeeper.sending import incident
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.incident import Incident, IncidentKind
from listkeeper.sending.pacing.pace_news import Refusing

_MENDS = (ReplyClass.AUTH, ReplyClass.REPUTATION, ReplyClass.SPAM, ReplyClass.CONTENT, ReplyClass.POLICY)


def begin(session: Session, domain: str, refusing: Refusing) -> None:
    """Open the incident of a receiver that refuses a domain, with the evidence and what mends it."""
    name = mail_provider.name(refusing.provider) or language.text("The receiver")
    evidence = language.text(
        "%(receiver)s refuses mail from %(domain)s because of its sender, not of who reads it: %(faults)s of the last "
        "%(all)s. Mail to it stands still; everybody else's goes on.",
        receiver=name,
        faults=refusing.faults,
        all=refusing.of,
        domain=domain,
    )
    worst = next((found for found in (*refusing.classes, *_MENDS) if found in _MENDS), ReplyClass.POLICY)
    incident.report(
        session, IncidentKind.RECEIVER_REFUSES, f"{evidence} {_mend(worst)}", domain=domain, provider=refusing.provider
    )


def _mend(worst: ReplyClass) -> str:
    match worst:
        case ReplyClass.AUTH:
            return language.text("Check the domain (page Domains, or `listkeeper domain check`): SPF, DKIM and DMARC.")
        case ReplyClass.REPUTATION:
            return language.text(
                "Look whether the mail server's address is on a block list, and write only to people who expect it."
            )
        case ReplyClass.SPAM | ReplyClass.CONTENT:
            return language.text("Look at the letter's words, links and pictures, and at who is on the list.")
        case _:
            return language.text("Read its answers in the letter's report, and ask its postmaster.")


def standing(session: Session) -> list[Incident]:
    """Return the receivers that refuse one of our domains now."""
    return [row for row in incident.standing(session) if row.kind is IncidentKind.RECEIVER_REFUSES]


def freed(session: Session, domain: str, since: datetime) -> dict[str, datetime]:
    """Return which receivers were freed since a moment, each with when that was last."""
    query = select(Incident.provider, func.max(Incident.closed_at)).where(
        Incident.kind == IncidentKind.RECEIVER_REFUSES, Incident.domain == domain, Incident.closed_at > since
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(Incident.provider)) if row[0] and row[1]}


def end(session: Session, domain: str, provider: str) -> bool:
    """Close a receiver's incident and let what waits for it be due now; return whether one was open.

    The bucket itself is freed by the shell, once this is committed.
    """
    was_open = incident.over(session, IncidentKind.RECEIVER_REFUSES, domain=domain, provider=provider)
    if was_open:
        moment = clock.now()
        # What the receiver put off by itself keeps its own time.
        waiting = (Delivery.provider == provider, Delivery.state == DeliveryState.QUEUED, Delivery.due_at > moment)
        called = update(Delivery).where(*waiting).values(due_at=moment)
        session.execute(called, execution_options={"synchronize_session": False})
    return was_open
