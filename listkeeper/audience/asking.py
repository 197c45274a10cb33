"""How a question was asked: the mail as it left, taken by its server, and asked once more a day later.

The copy in the vault is what a court wants to see: not that such mails are
sent in general, but the very mail this person got.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from listkeeper.audience import confirmation, mail_template, subscriber
from listkeeper.audience.confirmation import LIFETIME, AskKind, Confirmation
from listkeeper.audience.forms.form_offer import Offer
from listkeeper.audience.guard import mailbox
from listkeeper.audience.guard.limits import Limits
from listkeeper.audience.proof import ledger
from listkeeper.audience.proof.ledger import Event, EventType
from listkeeper.audience.signup_form import ShownForm
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.foundation import clock, outbox
from listkeeper.foundation.outbox import Lane

REMIND = "confirmation.unanswered"
REMIND_AFTER = timedelta(hours=24)


@dataclass(frozen=True)
class ConfirmationMail:
    """The mail that asked, as it left and as the receiving server took it."""

    raw: bytes
    template: Mapping[str, str]
    message_id: str
    reply: str
    handed_at: datetime
    reminder: bool
    # What the linter said before it was sent.
    lint: str = ""


def hold(session: Session, confirmation_ids: Iterable[int]) -> None:
    """Lock everybody whose mail went out, before ``accepted`` writes to the ledger: she may be answering just now."""
    asked = select(Confirmation.subscriber_id).where(Confirmation.id.in_(confirmation_ids))
    subscriber.hold_all(session, select(Subscriber).where(Subscriber.id.in_(asked)))


def accepted(session: Session, mails: Mapping[int, ConfirmationMail]) -> None:
    """Write down that mails that ask went out and were taken, each by its question, with whole copies in the vault."""
    if not mails:
        return
    asked = session.scalars(select(Confirmation).where(Confirmation.id.in_(mails)).order_by(Confirmation.id)).all()
    of_them = select(Subscriber).where(Subscriber.id.in_([one.subscriber_id for one in asked]))
    people = {person.id: person for person in session.scalars(of_them) if not person.demo}
    true = [one for one in asked if one.subscriber_id in people]
    shown = confirmation.shown_by_each(session, true)
    told: dict[int, list[Event]] = {}
    for one in true:
        person, mail = people[one.subscriber_id], mails[one.id]
        words = mail_template.ensure(session, person.organisation_id, "confirmation", mail.template, mail.lint)
        # For each purpose that it asks about: whoever reads the proof of one of them finds the mail there.
        for offer in shown[one.id].purposes:
            told.setdefault(person.organisation_id, []).extend(_told(person, shown[one.id], offer, words, mail))
        if not mail.reminder:
            one.accepted_at = clock.now()
    for organisation_id, events in told.items():
        ledger.append(session, organisation_id, events)


def _told(
    person: Subscriber, shown: ShownForm, offer: Offer, words: str, mail: ConfirmationMail
) -> tuple[Event, Event]:
    handed = Event(
        EventType.DOI_REMINDED if mail.reminder else EventType.DOI_HANDED,
        subject=person.subject_ref,
        list=offer.mailing_list.public_id,
        purpose=offer.mailing_list.purpose,
        text_sha256=offer.text.sha256,
        form_sha256=shown.version.sha256,
        mail_sha256=words,
        method="mail",
        details={"handed_at": clock.in_milliseconds(mail.handed_at)},
    )
    copy = {"mail": base64.b64encode(mail.raw).decode(), "message_id": mail.message_id, "reply": mail.reply}
    return handed, replace(handed, type=EventType.DOI_ACCEPTED, details={}, evidence=copy)


def bounced(session: Session, confirmation_ids: Iterable[int]) -> None:
    """Write down that servers refused these questions for good: the breaker counts them."""
    known = update(Confirmation).where(Confirmation.id.in_(list(confirmation_ids)), Confirmation.bounced_at.is_(None))
    session.execute(known.values(bounced_at=clock.now()), execution_options={"synchronize_session": False})


def remind_due(session: Session, limits: Limits, limit: int = 200) -> int:
    """Ask once more whoever's server took the question a day ago and who has not answered; return how many.

    A reminder counts for the brakes like any other such mail; whom they hold is asked no more.
    """
    moment = clock.now()
    query = (
        select(Confirmation)
        .join(
            Subscription,
            (Subscription.subscriber_id == Confirmation.subscriber_id) & (Subscription.list_id == Confirmation.list_id),
        )
        .where(
            Confirmation.kind == AskKind.CONFIRM,
            Confirmation.accepted_at <= moment - REMIND_AFTER,
            Confirmation.created_at > moment - LIFETIME,
            Confirmation.reminded_at.is_(None),
            Confirmation.used_at.is_(None),
            Confirmation.refused_at.is_(None),
            Subscription.state == SubscriptionState.PENDING,
        )
        .order_by(Confirmation.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Confirmation)
    )
    found = list(session.scalars(query))
    # In one order everywhere: two that take the same turns must not wait for each other.
    in_turn = sorted(found, key=lambda row: row.brake_key)
    asked = [row for row in in_turn if _has_room(session, row, limits)]
    for row in found:
        # Marked at once, so that nobody is looked at again: a reminder comes once, or not at all.
        row.reminded_at = moment
    session.flush()
    for row in asked:
        outbox.write(session, REMIND, row.id, Lane.URGENT)
    return len(asked)


def _has_room(session: Session, row: Confirmation, limits: Limits) -> bool:
    if mailbox.is_braked(session, row.brake_key, limits):
        return False
    mailbox.count(session, row.brake_key)
    return True
