"""The ledger's first day: consents recorded before there was a ledger are written into it, once.

What was true yesterday must carry a letter tomorrow. Each event keeps its own
time in the row's details; the row says when it was written down.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience import consent_text
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.forms import form_record
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.subscription import Subscription
from listkeeper.foundation import clock

_AT_ONCE = 1000


def waiting(session: Session) -> bool:
    """Return whether there is a consent that no ledger proves yet."""
    query = select(func.count()).select_from(ConsentEvent)
    return bool(session.scalar(query.where(ConsentEvent.ledger_seq.is_(None), ConsentEvent.demo.is_(False))))


def adopt(session: Session) -> int:
    """Write up to a thousand such consents into the ledger, oldest first; return how many."""
    query = select(ConsentEvent).where(ConsentEvent.ledger_seq.is_(None), ConsentEvent.demo.is_(False))
    ordered = query.order_by(ConsentEvent.organisation_id, ConsentEvent.id).limit(_AT_ONCE)
    adopted = 0
    for organisation_id, group in groupby(session.scalars(ordered).all(), key=attrgetter("organisation_id")):
        events = list(group)
        for event in events:
            if event.text is not None:
                consent_text.ensure_in_ledger(session, event.text)
            if event.form_version is not None:
                form_record.ensure_in_ledger(session, event.form_version)
        written = ledger.append(session, organisation_id, [_told(session, event) for event in events])
        for event, row in zip(events, written, strict=True):
            event.ledger_seq, event.ledger_id = row.seq, row.id
        session.flush()
        _cite(session, events)
        adopted += len(events)
    return adopted


def _told(session: Session, event: ConsentEvent) -> Event:
    mailing_list = session.get_one(MailingList, event.list_id)
    return Event(
        EventType(event.kind.value),
        subject=event.subject_ref,
        list=mailing_list.public_id,
        purpose=event.purpose or mailing_list.purpose,
        basis=event.basis,
        text_sha256=event.text.sha256 if event.text else "",
        form_sha256=event.form_version.sha256 if event.form_version else "",
        method=event.method.value,
        actor=event.actor,
        details={"happened_at": clock.in_milliseconds(event.at), "adopted": 1},
    )


def _cite(session: Session, events: list[ConsentEvent]) -> None:
    seqs = {event.id: event.ledger_seq for event in events}
    for row in session.scalars(select(Subscription).where(Subscription.consent_event_id.in_(seqs))):
        row.ledger_seq = seqs[row.consent_event_id or 0]
    session.flush()
