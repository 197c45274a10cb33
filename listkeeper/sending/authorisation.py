"""Why a message was sent: the very event that the gate found when it let the message go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import LedgerRow
from listkeeper.audience.subscriber import Subscriber
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation import language
from listkeeper.sending.delivery import SENT, Delivery, DeliveryState

_LEFT = (*SENT, DeliveryState.IN_DOUBT)


@dataclass(frozen=True)
class Sent:
    """One message to a person, as her page lists it."""

    delivery_id: int
    at: datetime
    subject: str
    list_name: str
    is_letter: bool


@dataclass(frozen=True)
class Authorisation:
    """What let a message go: the consent event, or for an imported claim the ledger's row of the import.

    All is None for a message that has not left, or that needed no consent.
    """

    event: ConsentEvent | None
    row: LedgerRow | None

    @property
    def imported(self) -> bool:
        """Whether it rests on what an import claimed, and not on an act recorded here."""
        return self.event is None and self.row is not None and self.row.type == ledger.EventType.IMPORTED.value


def of_delivery(session: Session, delivery: Delivery) -> Authorisation:
    """Return what authorised a delivery, as the gate wrote it down at the hand-over."""
    event = session.get(ConsentEvent, delivery.grant_event_id) if delivery.grant_event_id else None
    key = (delivery.organisation_id, delivery.grant_seq)
    return Authorisation(event, session.get(LedgerRow, key) if delivery.grant_seq else None)


def subject_of(session: Session, delivery: Delivery) -> str:
    """Return the subject of a message as its author wrote it; a message about the subscription is named by its kind."""
    if delivery.revision_id is None:
        return _kind(delivery.message_class)
    return session.scalar(select(Revision.subject).where(Revision.id == delivery.revision_id)) or ""


def _kind(message_class: MessageClass) -> str:
    if message_class is MessageClass.DOI:
        return language.text("Confirmation mail")
    return language.text("Note about the subscription")


def sent_to(session: Session, person: Subscriber, *, before: int | None = None, limit: int = 20) -> list[Sent]:
    """Return the messages that left for a person, newest first; ``before`` is the last number seen."""
    query = (
        select(Delivery, Revision.subject, MailingList.name)
        .outerjoin(Revision, Revision.id == Delivery.revision_id)
        .outerjoin(MailingList, MailingList.id == Delivery.list_id)
        .where(Delivery.subscriber_id == person.id, Delivery.state.in_(_LEFT))
    )
    if before is not None:
        query = query.where(Delivery.id < before)
    return [
        Sent(
            delivery_id=row.id,
            at=row.handed_at or row.created_at,
            subject=subject or _kind(row.message_class),
            list_name=name or "",
            is_letter=row.message_class is MessageClass.MARKETING,
        )
        for row, subject, name in session.execute(query.order_by(Delivery.id.desc()).limit(limit))
    ]
