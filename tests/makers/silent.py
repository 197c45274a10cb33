"""People of the café who got letters for half a year and more, and did something, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from listkeeper.audience import subscription
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscription import Subscription
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.cafe import Cafe

LONG = timedelta(days=400)


def letters(session: Session, house: Cafe, number: int, people: Sequence[Subscription]) -> list[Campaign]:
    """Send letters to people, one a week, the last of them yesterday."""
    made = []
    for place in range(number):
        letter = cafe.draft(session, house, subject=f"Letter {place + 1}")
        letter.state, letter.recipients = CampaignState.FINISHED, len(people)
        letter.started_at = letter.finished_at = clock.now() - timedelta(days=1 + 7 * (number - 1 - place))
        made.append(letter)
        for each in people:
            arrived(session, house, letter, each.subscriber_id)
    session.flush()
    return made


def arrived(session: Session, house: Cafe, letter: Campaign, subscriber_id: int) -> Delivery:
    """Let a letter arrive with a person."""
    row = Delivery(
        organisation_id=house.organisation.id,
        message_class=MessageClass.MARKETING,
        lane=Lane.SENDING,
        occasion=f"campaign:{letter.id}:{subscriber_id}",
        state=DeliveryState.ACCEPTED,
        campaign_id=letter.id,
        revision_id=letter.sent_revision_id,
        subscriber_id=subscriber_id,
        list_id=house.mailing_list.id,
        handed_at=letter.started_at,
        settled_at=letter.started_at,
    )
    session.add(row)
    return row


def people(
    session: Session, house: Cafe, names: str, *, since: timedelta = LONG, seen: timedelta | None = LONG
) -> list[Subscription]:
    """Let people join long ago; ``seen`` is for how long they have let us see their clicks, None for not at all."""
    found = []
    for name in names.split():
        person = cafe.subscribe(session, house, f"{name}@guest.example")
        current = subscription.of(session, person.id, house.mailing_list.id)
        assert current is not None
        current.since = clock.now() - since
        current.tracking_since = _before(seen)
        found.append(current)
    session.flush()
    return found


def _before(length: timedelta | None) -> datetime | None:
    return clock.now() - length if length is not None else None
