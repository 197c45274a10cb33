"""Consent to tracking: whether a person lets us see which links of a list's letters she follows.

It is apart from the consent to mail: off for everybody until she says yes on
her own page, by a button with a text of its own, and off again at once by one
more. No import, no program and no operator says it for her, and it ends with
the subscription. The link of a letter can take it back and never give it,
because it travels with the letter when that is forwarded.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import consent, consent_text, subscriber, subscription
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.consent_text import ConsentText, TextKind, Wording
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.starter_text import TRACKING
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Basis, Subscription, SubscriptionState
from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

PURPOSE = "link_tracking"


def text(organisation: Organisation, mailing_list: MailingList, spoken: str) -> ConsentText:
    """Return the words that are asked in a language, with their name; they are published with the first yes to them."""
    known = language.known(spoken)
    body, withdrawal, button = TRACKING[known]
    names = {"controller": organisation.legal_name, "list": mailing_list.name}
    words = Wording(body.format(**names), button, withdrawal, kind=TextKind.TRACKING)
    return consent_text.made_of(organisation, mailing_list, known, words, PURPOSE)


def agree(session: Session, subscriber_id: int, list_id: int, *, seen: str) -> bool:
    """Take her yes on her own page; False when there is nothing to agree to, or she has.

    ``seen`` names the words that the page showed (SHA-256). Raises Invalid when they are not those of today.
    """
    held = _held(session, subscriber_id, list_id)
    if held is None or held[1].tracking_since is not None:
        return False
    person, current = held
    mailing_list = session.get_one(MailingList, list_id)
    asked = text(session.get_one(Organisation, person.organisation_id), mailing_list, person.language)
    if asked.sha256 != seen:
        raise Invalid("words_changed", language.text("The words have changed meanwhile. Please read them once more."))
    said_to = consent_text.keep(session, asked, mailing_list)
    under = Circumstances(consent_text_id=said_to.id, basis=Basis.CONSENT.value, purpose=PURPOSE)
    event = consent.record(session, person, list_id, EventKind.TRACKING_GIVEN, Method.PAGE, under)
    current.tracking_since = event.at
    return True


def withdraw(session: Session, subscriber_id: int, list_id: int, *, delivery_id: int | None = None) -> bool:
    """Take her yes back, at once; False when there is none."""
    held = _held(session, subscriber_id, list_id)
    return held is not None and end(
        session, *held, Method.PAGE, Circumstances(delivery_id=delivery_id, purpose=PURPOSE)
    )


def end(session: Session, person: Subscriber, current: Subscription, method: Method, under: Circumstances) -> bool:
    """Write down that it is over; the person is held. False when it was already."""
    if current.tracking_since is None:
        return False
    subscription.stop_tracking([current])
    consent.record(session, person, current.list_id, EventKind.TRACKING_WITHDRAWN, method, under)
    return True


def stands() -> ColumnElement[bool]:
    """Return the SQL condition "this subscription lets us see its links now", over subscription and subscriber."""
    held, person = Subscription.__table__.c, Subscriber.__table__.c
    confirmed = held.state == SubscriptionState.CONFIRMED
    return held.tracking_since.is_not(None) & confirmed & person.restricted_at.is_(None)


def _held(session: Session, subscriber_id: int, list_id: int) -> tuple[Subscriber, Subscription] | None:
    person = subscriber.hold(session, subscriber_id)
    current = subscription.of(session, subscriber_id, list_id)
    if person is None or current is None:
        return None
    session.refresh(current)
    return (person, current) if current.state is SubscriptionState.CONFIRMED else None
