"""A letter that has left, with a story drawn by lot: taken, put off, come back, left, complained of, answered, bought.

What is stored is also kept as plain values, so that a test can count it again by hand.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience import posting
from listkeeper.audience.consent import ConsentEvent, EventKind, Method
from listkeeper.audience.handover import MessageClass
from listkeeper.audience.posting import Told
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation, ConversationState
from listkeeper.campaigns import campaign as campaigns
from listkeeper.campaigns import link, revision
from listkeeper.campaigns.campaign import Campaign, CampaignState
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Outcome, Proof
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers import cafe
from tests.makers.cafe import Cafe

SITE = "http://localhost:5080"
PROVIDERS = ("gmail", "microsoft", "mx.anna.example", None)
_S = DeliveryState


@dataclass
class Mail:
    """What became of one mail."""

    provider: str | None
    state: DeliveryState
    withdrew: int = 0
    complained: int = 0
    unproven: bool = False
    reply: ConversationState | None = None
    orders: list[tuple[str, int, str]] = field(default_factory=list)


def leave(session: Session, house: Cafe, *, subject: str = "Cardamom buns", days_ago: float = 1) -> Campaign:
    """Return a letter that left some days ago, with nothing that came of it yet."""
    letter = cafe.draft(session, house, subject=subject)
    words = campaigns.newest(session, letter)
    made = revision.compile_now(session, words, house.organisation, house.mailing_list, SITE)
    link.keep(session, words.id, made.links)
    letter.sent_revision_id, letter.state = words.id, CampaignState.FINISHED
    letter.started_at = clock.now() - timedelta(days=days_ago)
    letter.finished_at = letter.started_at + timedelta(minutes=5)
    session.flush()
    return letter


def drawn(dice: random.Random, people: int) -> list[Mail]:
    """Return what became of so many mails."""
    mails = []
    for _ in range(people):
        state = dice.choices([_S.ACCEPTED, _S.BOUNCED, _S.FAILED, _S.DEFERRED, _S.REFUSED], [80, 5, 5, 5, 5])[0]
        mail = Mail(dice.choice(PROVIDERS), state)
        if state is _S.ACCEPTED:
            mail.withdrew = dice.choice([0, 0, 0, 0, 1, 2])
            mail.complained = dice.choice([0, 0, 0, 0, 0, 1, 2])
            mail.unproven = dice.random() < 0.05
            mail.reply = dice.choice([None] * 6 + list(ConversationState))
            mail.orders = [
                (
                    dice.choice(["order", "order", "refund", "visit"]),
                    dice.randrange(0, 100_000),
                    dice.choice(["DKK", "EUR"]),
                )
                for _ in range(dice.choice([0, 0, 0, 1, 3]))
            ]
        mails.append(mail)
    return mails


def tell(session: Session, house: Cafe, letter: Campaign, mails: list[Mail]) -> list[Delivery]:
    """Store what became of a letter, mail by mail; its readers are the first people of the list."""
    readers = list(session.scalars(select(Subscriber).order_by(Subscriber.id).limit(len(mails))))
    letter.recipients += len(mails)
    made = []
    named = {"x": (letter.id, None)}
    for number, (mail, person) in enumerate(zip(mails, readers, strict=True)):
        delivery = Delivery(
            organisation_id=house.organisation.id, message_class=MessageClass.MARKETING, lane=Lane.SENDING,
            occasion=f"campaign:{letter.id}:{person.id}", state=mail.state, campaign_id=letter.id,
            revision_id=letter.sent_revision_id, subscriber_id=person.id, list_id=letter.list_id,
            provider=mail.provider, handed_at=letter.started_at, settled_at=letter.started_at,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        made.append(delivery)
        _answer(session, house, mail, delivery, person)
        told = [
            _order(name, person.public_id, f"{letter.id}-{number}-{place}", amount, currency)
            for place, (name, amount, currency) in enumerate(mail.orders)
        ]
        posting.post(session, house.organisation, told, zone="UTC", read_refs=lambda _session, _refs: named)
    return made


def _order(name: str, person: str, number: str, amount: int, currency: str) -> Told:
    """Return an event of the shop by the link of the letter; a visit has no money in it."""
    if name == "visit":
        return Told(name, person, "", number, ref="x")
    return Told(name, person, "", number, amount, currency, "x")


def _answer(session: Session, house: Cafe, mail: Mail, delivery: Delivery, person: Subscriber) -> None:
    for _ in range(mail.withdrew):
        session.add(
            ConsentEvent(
                organisation_id=house.organisation.id,
                subject_ref=person.subject_ref,
                list_id=delivery.list_id,
                kind=EventKind.WITHDRAWN,
                method=Method.PAGE,
                at=clock.now(),
                delivery_id=delivery.id,
                demo=True,
            )
        )
    _complain(session, house, mail, delivery)
    if mail.reply is not None:
        now = clock.now()
        session.add(
            Conversation(
                organisation_id=house.organisation.id,
                subscriber_id=person.id,
                delivery_id=delivery.id,
                state=mail.reply,
                opened_at=now,
                last_in_at=now,
                waits_since=now,
            )
        )
    session.flush()


def _complain(session: Session, house: Cafe, mail: Mail, delivery: Delivery) -> None:
    for place in range(mail.complained + mail.unproven):
        session.add(
            FeedbackEvent(
                organisation_id=house.organisation.id,
                kind=FeedbackKind.COMPLAINED,
                source="arf",
                proof=Proof.TOKEN,
                external_id=f"{delivery.id}:{place}",
                delivery_id=delivery.id,
                campaign_id=delivery.campaign_id,
                provider=mail.provider,
                at=clock.now(),
                outcome=Outcome.NOTED if place < mail.complained else Outcome.UNPROVEN,
            )
        )
