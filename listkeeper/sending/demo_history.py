"""The deliveries of the demo's past letters: settled from the start, so that no worker ever looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience import demo_leaving
from listkeeper.audience.consent import ConsentEvent
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.permission import RULE_VERSION
from listkeeper.audience.subscription import Subscription, SubscriptionState
from listkeeper.campaigns.campaign import Campaign
from listkeeper.campaigns.demo import PastLetter
from listkeeper.campaigns.revision import Revision
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import OPEN, Delivery, DeliveryState

_NOT_SENT = "demo: no mail was sent"
# One in so many did not take a letter, as in life.
_FAILED_EVERY = 317
_TAKEN, _REFUSED = 250, 550


def add(session: Session, letter: PastLetter, earlier: Sequence[PastLetter], from_domain: str) -> None:
    """Make a delivery for everybody who was on the list when the letter went out, in one INSERT … SELECT."""
    campaign = letter.campaign
    values = _told(letter, earlier, from_domain) | _fixed(letter)
    was_here = or_(Subscription.state == SubscriptionState.CONFIRMED, Subscription.since > letter.at)
    rows = (
        select(*values.values())
        .join(ConsentEvent, ConsentEvent.id == Subscription.consent_event_id)
        .where(Subscription.list_id == campaign.list_id, ConsentEvent.at < letter.at, was_here)
        .order_by(Subscription.subscriber_id)
    )
    session.execute(insert(Delivery).from_select(list(values), rows, include_defaults=False))
    counted = select(func.count()).select_from(Delivery).where(Delivery.campaign_id == campaign.id)
    campaign.recipients = session.scalar(counted) or 0


_Values = dict[InstrumentedAttribute[Any], ColumnElement[Any]]


def _told(letter: PastLetter, earlier: Sequence[PastLetter], from_domain: str) -> _Values:
    """Return what differs from person to person."""
    number, person = letter.campaign.id, Subscription.subscriber_id
    failed = person % _FAILED_EVERY == 0
    words = Delivery.state.type
    taken, refused = literal(DeliveryState.ACCEPTED, words), literal(DeliveryState.FAILED, words)
    before: ColumnElement[int] = literal(0)
    for row in earlier:
        before = before + case((ConsentEvent.at < row.at, 1), else_=0)
    return {
        Delivery.occasion: literal(f"campaign:{number}:") + cast(person, String),
        Delivery.state: case((failed, refused), else_=taken),
        Delivery.subscriber_id: person.expression,
        Delivery.letters_before: before,
        Delivery.grant_event_id: ConsentEvent.id.expression,
        Delivery.message_id: literal(f"<demo.{number}.") + cast(person, String) + literal(f"@{from_domain}>"),
        Delivery.reply_code: case((failed, _REFUSED), else_=_TAKEN),
    }


def _fixed(letter: PastLetter) -> _Values:
    """Return what is the same for all."""
    campaign, at = letter.campaign, literal(letter.at, Delivery.due_at.type)
    return {
        Delivery.organisation_id: literal(campaign.organisation_id),
        Delivery.message_class: literal(MessageClass.MARKETING, Delivery.message_class.type),
        Delivery.lane: literal(Lane.SENDING, Delivery.lane.type),
        Delivery.campaign_id: literal(campaign.id),
        Delivery.revision_id: literal(letter.revision.id),
        Delivery.list_id: literal(campaign.list_id),
        Delivery.due_at: at,
        Delivery.attempts: literal(1),
        Delivery.handed_at: at,
        Delivery.settled_at: at,
        Delivery.gate_rule_version: literal(RULE_VERSION),
        Delivery.reply_text: literal(_NOT_SENT),
        Delivery.created_at: at,
    }


def under_way(session: Session, organisation: Organisation) -> bool:
    """Return whether a mail of the demo, or to its people, is not settled yet."""
    query = select(Delivery.id).where(Delivery.state.in_(OPEN), _of_the_demo(organisation))
    return session.scalar(query.limit(1)) is not None


def remove(session: Session, organisation: Organisation) -> None:
    """Delete the deliveries of the demo's letters and those to its people; other letters forget who they went to."""
    ours = _of_the_demo(organisation)
    others = select(Delivery.campaign_id).join(Campaign, Campaign.id == Delivery.campaign_id).where(ours)
    touched = session.scalars(others.where(Campaign.demo.is_(False)).distinct()).all()
    session.execute(delete(Delivery).where(ours), execution_options={"synchronize_session": False})
    left = select(func.count()).select_from(Delivery).where(Delivery.campaign_id == Campaign.id).scalar_subquery()
    session.execute(update(Campaign).where(Campaign.id.in_(touched)).values(recipients=left))


def _of_the_demo(organisation: Organisation) -> ColumnElement[bool]:
    campaigns = _campaigns(organisation)
    return or_(
        Delivery.campaign_id.in_(campaigns),
        # Tests belong to a revision and to no campaign.
        Delivery.revision_id.in_(select(Revision.id).where(Revision.campaign_id.in_(campaigns))),
        Delivery.subscriber_id.in_(demo_leaving.people(organisation)),
    )


def _campaigns(organisation: Organisation) -> Select[int]:
    return select(Campaign.id).where(Campaign.organisation_id == organisation.id, Campaign.demo.is_(True))
