"""What came of the demo's past letters: clicks as numbers, orders, and a belief for each; nothing of it happened.

The numbers follow from how many readers a letter had, so that they are the same
each time. No visit is made up and no fact is written, so nothing is woken.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import String, cast, delete, insert, literal, select, true
from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import event_count
from listkeeper.audience.event_count import EventCount
from listkeeper.audience.posted_event import PostedEvent
from listkeeper.campaigns import link, revision
from listkeeper.campaigns.assumption import Assumption, Measure
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.link import CampaignLink
from listkeeper.campaigns.revision import Revision
from listkeeper.feedback.letter_figures import LetterFigures
from listkeeper.foundation import clock
from listkeeper.sending import engagement_tally
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.engagement_tally import EngagementTally, What

# In thousandths of a letter's readers: counted, clicked; and in thousandths of a per cent what was believed.
_CAME = ((420, 21, 4_000), (430, 26, 5_000), (445, 33, 6_000))
# One in so many bought something, for so much, in the smallest coin; about one in four of who clicked.
_BOUGHT_EVERY, _LEAST, _STEP, _STEPS = 149, 4_500, 1_300, 7
_CURRENCY = {"da": "DKK", "nb": "NOK", "sv": "SEK", "pl": "PLN", "ru": "RUB"}


def add(session: Session, owner: Organisation, past: Iterable[Campaign]) -> None:
    """Give each of the demo's past letters, oldest first, something that came of it."""
    for letter, (counted, clicked, believed) in zip(past, _CAME, strict=False):
        letter.assumption = Assumption(Measure.CLICKS, believed).as_json()
        readers = letter.recipients
        _clicks(session, letter, readers * counted // 1000, readers * clicked // 1000)
        _orders(session, letter, _CURRENCY.get(owner.language, "EUR"))
    session.flush()


def _clicks(session: Session, letter: Campaign, counted: int, clickers: int) -> None:
    """Count visits of the letter's links, the first link most, and the machines beside them."""
    sent = session.get_one(Revision, letter.sent_revision_id)
    link.keep(session, sent.id, revision.frozen(sent).links)
    numbers = list(link.numbers(session, sent.id).values())
    if not numbers:
        return
    key = engagement_tally.Key(letter.id, sent.id, 0, engagement_tally.UNKNOWN, What.COUNTED)
    found = {key: counted, key._replace(what=What.CLICKER): clickers}
    for place, number in enumerate(numbers):
        of_link = key._replace(link_id=number)
        found[of_link._replace(what=What.CLICK_HUMAN)] = (clickers + place) // (place + 1)
        found[of_link._replace(what=What.CLICK_MACHINE)] = counted // 20
    engagement_tally.add(session, found)


def _orders(session: Session, letter: Campaign, currency: str) -> None:
    at = literal(letter.finished_at or clock.now(), PostedEvent.at.type)
    amount = _LEAST + _STEP * (Delivery.subscriber_id % _STEPS)
    values = {
        PostedEvent.organisation_id: literal(letter.organisation_id),
        PostedEvent.subscriber_id: Delivery.subscriber_id,
        PostedEvent.name: literal("order"),
        PostedEvent.external_id: literal(f"demo-{letter.id}-") + cast(Delivery.subscriber_id, String),
        PostedEvent.at: at,
        PostedEvent.received_at: at,
        PostedEvent.amount: amount,
        PostedEvent.currency: literal(currency),
        # Nobody in the demo chose to be seen by name, so no order of hers names the letter.
        PostedEvent.campaign_id: literal(0),
        PostedEvent.apart: true(),
    }
    bought = (
        Delivery.campaign_id == letter.id,
        Delivery.state == DeliveryState.ACCEPTED,
        (Delivery.subscriber_id + letter.id) % _BOUGHT_EVERY == 0,
    )
    rows = select(*values.values()).where(*bought)
    session.execute(insert(PostedEvent).from_select(list(values), rows, include_defaults=False))
    amounts = [each or 0 for each in session.scalars(select(amount).where(*bought))]
    event_count.add(session, {event_count.Key(letter.id, "order", currency): amounts} if amounts else {})


def remove(session: Session, owner: Organisation) -> None:
    """Take away what was counted of the demo's letters, and their links; the orders go with the people."""
    ours = select(Campaign.id).where(Campaign.organisation_id == owner.id, Campaign.demo.is_(True))
    for table in (EngagementTally, LetterFigures, EventCount):
        gone = delete(table).where(table.campaign_id.in_(ours))
        session.execute(gone, execution_options={"synchronize_session": False})
    sent = select(Revision.id).where(Revision.campaign_id.in_(ours))
    links = delete(CampaignLink).where(CampaignLink.revision_id.in_(sent))
    session.execute(links, execution_options={"synchronize_session": False})
