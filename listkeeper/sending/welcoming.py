"""What follows a yes: one mail. The welcome letter with the receipt in it, where there is one, else the receipt alone.

Both would reach the same person in the same minute, so whoever gets a letter
gets the receipt as its last paragraph and its file, and her mailbox is the
ledger's witness all the same.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscriber, subscription
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.handover import MessageClass, NoticeKind
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Frequency
from listkeeper.campaigns import welcome
from listkeeper.foundation import clock
from listkeeper.sending import delivery, guided, planning
from listkeeper.sending.delivery import WAITING, Delivery, DeliveryState

# One checkpoint then serves the receipts of a whole minute; and who leaves at once gets nothing.
WAIT = timedelta(minutes=1)


def after_yes(session: Session, event_id: int, *, site: str) -> Delivery | None:
    """Queue the one mail that follows a yes; asked again it queues no second one.

    The demo's people get none, and nobody who came with a file said yes here.
    """
    event = session.get_one(ConsentEvent, event_id)
    # Two workers with the same fact, and a switch turned between them, must not come to two mails.
    people = subscriber.hold_all(session, select(Subscriber).where(Subscriber.subject_ref == event.subject_ref))
    if not people or event.ledger_id is None or _answered(session, event):
        return None
    (person,) = people
    organisation = session.get_one(Organisation, person.organisation_id)
    spoken = event.text.language if event.text is not None else ""
    chosen = welcome.live(session, organisation, event.list_id, spoken, site=site)
    if chosen is None or _wants_fewer(session, person, event.list_id):
        return planning.mail_receipt(session, event_id)
    _take_back_older(session, person, event.list_id)
    before = _letters_before(session, person)
    return planning.mail_once(
        session,
        person,
        _occasion(event),
        message_class=MessageClass.MARKETING,
        list_id=event.list_id,
        revision_id=chosen.id,
        notice=NoticeKind.WELCOME,
        notice_id=event.id,
        letters_before=before,
        guidance=guided.of_person(session, organisation, person, before),
        due_at=clock.now() + WAIT,
    )


def _occasion(event: ConsentEvent) -> str:
    return f"welcome:{event.id}"


def _answered(session: Session, event: ConsentEvent) -> bool:
    occasions = (_occasion(event), planning.receipt_occasion(event))
    return session.scalar(select(Delivery.id).where(Delivery.occasion.in_(occasions)).limit(1)) is not None


def _wants_fewer(session: Session, person: Subscriber, list_id: int) -> bool:
    """Return whether she asked for fewer letters before she left and came back: the gate would refuse this one."""
    current = subscription.of(session, person.id, list_id)
    return current is not None and current.frequency is not Frequency.ALL


def _take_back_older(session: Session, person: Subscriber, list_id: int) -> None:
    """Cancel the welcome of an earlier yes that still waits: she left and came back, and is welcomed once."""
    query = select(Delivery).where(
        Delivery.subscriber_id == person.id,
        Delivery.list_id == list_id,
        Delivery.notice == NoticeKind.WELCOME,
        Delivery.state.in_(WAITING),
    )
    for row in session.scalars(query.order_by(Delivery.id).with_for_update()):
        delivery.move(row, DeliveryState.CANCELLED)


def _letters_before(session: Session, person: Subscriber) -> int:
    query = select(func.count()).where(
        Delivery.subscriber_id == person.id,
        Delivery.campaign_id.is_not(None),
        Delivery.message_class == MessageClass.MARKETING,
        Delivery.state == DeliveryState.ACCEPTED,
    )
    return session.scalar(query) or 0
