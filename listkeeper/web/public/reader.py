"""Whose letter a link belongs to: what the pages behind the links of a letter share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response
from sqlalchemy.orm import Session

from listkeeper.accounts import organisation
from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import subscription
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns import preview
from listkeeper.foundation import language, signing
from listkeeper.foundation.errors import NotFound
from listkeeper.sending import delivery
from listkeeper.sending.delivery import Delivery
from listkeeper.standards import address as addresses
from listkeeper.web.public import brand, page
from listkeeper.web.public.brand import Business

# From these a button to leave still has something to do.
_STILL_HERE = frozenset({SubscriptionState.CONFIRMED, SubscriptionState.PENDING, SubscriptionState.BOUNCED})


@dataclass(frozen=True)
class Reader:
    """Who got the letter, as far as that is still known; ``test`` is a letter of nobody's."""

    spoken: str
    business: Business
    list_name: str = ""
    test: bool = False
    delivery: Delivery | None = None
    person: Subscriber | None = None
    subscription: Subscription | None = None
    list_id: int | None = None

    @property
    def on_list(self) -> bool:
        """Whether there is still something to leave."""
        return self.subscription is not None and self.subscription.state in _STILL_HERE


def of_token(session: Session, purpose: str, token: str) -> Reader:
    """Return the reader behind a link of a letter; reading it changes nothing.

    Raises NotFound when the token was not made by this instance for this purpose.
    """
    if token == preview.SAMPLE_TOKEN:
        return nobody(session)
    number = signing.read(purpose, token)
    return of_delivery(session, number)


def of_delivery(session: Session, number: int | None) -> Reader:
    """Return the reader of a delivery by its number, which a token named.

    Raises NotFound where it named none, or there is no such delivery.
    """
    letter = delivery.numbered(session, number) if number is not None else None
    if letter is None:
        raise _not_whole()
    return _somebody(session, letter)


def nobody(session: Session) -> Reader:
    """Return whoever looks at a preview. Raises NotFound before the business is founded."""
    owner = organisation.maybe_one(session)
    if owner is None:
        raise _not_whole()
    return Reader(owner.language, brand.business_of(owner), test=True)


def _somebody(session: Session, letter: Delivery) -> Reader:
    owner = session.get_one(Organisation, letter.organisation_id)
    person = session.get(Subscriber, letter.subscriber_id) if letter.subscriber_id is not None else None
    mailing_list = session.get(MailingList, letter.list_id) if letter.list_id is not None else None
    current = subscription.followed(session, person.id, mailing_list.id) if person and mailing_list else None
    if current is not None and mailing_list is not None and current.list_id != mailing_list.id:
        # That list became part of another one: what the letter leads to is there now.
        mailing_list = session.get_one(MailingList, current.list_id)
    return Reader(
        spoken=person.language if person is not None else owner.language,
        business=brand.business_of(owner),
        list_name=mailing_list.name if mailing_list is not None else "",
        test=letter.message_class is MessageClass.TEST,
        delivery=letter,
        person=person,
        subscription=current,
        list_id=mailing_list.id if mailing_list is not None else None,
    )


def _not_whole() -> NotFound:
    with language.using(page.visitors_language()):
        sentence = language.text(
            "This link is not whole, so nothing was changed. Copy all of it from the e-mail, "
            "or open the link at the end of another e-mail."
        )
    return NotFound("no_such_link", sentence)


def masked(address: str) -> str:
    """Return enough for the owner of an address to know it, and too little for whom the mail was forwarded to."""
    local, _, domain = addresses.shown(address).rpartition("@")
    return f"{local[:1]}…@{domain}"


def only_a_test(reader: Reader) -> Response:
    """Return the page behind the links of tests and previews."""
    return page.secret_answer("test_letter", reader.spoken, reader.business)
