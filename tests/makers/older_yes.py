"""A yes with her name to the words of before, which spoke of links alone."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import consent, consent_text, subscription, tracking
from listkeeper.audience.consent import Circumstances, EventKind, Method
from listkeeper.audience.consent_text import TextKind, Wording
from listkeeper.audience.subscriber import Subscriber
from tests.makers.cafe import Cafe

WORDS = (
    "Café Kardemomme may see which links I follow in the e-mails of “News”. They then lead through its own server, "
    "which notes the link, the time and the kind of program, but no IP address."
)


def say(session: Session, house: Cafe, person: Subscriber) -> None:
    """Say it, as people did on their own page."""
    words = Wording(
        WORDS,
        "You may see which links I follow",
        "I can stop that at any time, and the e-mails come all the same.",
        kind=TextKind.TRACKING,
    )
    made = consent_text.made_of(house.organisation, house.mailing_list, "en", words, tracking.LINKS_ALONE)
    said_to = consent_text.keep(session, made, house.mailing_list)
    under = Circumstances(consent_text_id=said_to.id, basis="consent", purpose=tracking.LINKS_ALONE)
    event = consent.record(session, person, house.mailing_list.id, EventKind.TRACKING_GIVEN, Method.PAGE, under)
    current = subscription.of(session, person.id, house.mailing_list.id)
    assert current is not None
    current.tracking_since = event.at
    session.flush()
