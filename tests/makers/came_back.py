"""Mails that were taken and what is told of them, by the program's own verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.deliverability.reply_class import ReplyClass, Verdict
from listkeeper.feedback import consequence
from listkeeper.feedback.consequence import Told
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Proof
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers.cafe import Cafe


@dataclass
class Postman:
    """Brings one person letters, and back what her server says of them."""

    session: Session
    cafe: Cafe
    person: Subscriber

    def letter(
        self,
        at: datetime | None = None,
        *,
        state: DeliveryState = DeliveryState.ACCEPTED,
        message_class: MessageClass = MessageClass.MARKETING,
    ) -> Delivery:
        """Return a mail to her that a server took."""
        number = self.session.scalar(select(func.count()).select_from(Delivery)) or 0
        made = Delivery(
            organisation_id=self.cafe.organisation.id,
            message_class=message_class,
            lane=Lane.SENDING,
            occasion=f"test:{number}",
            state=state,
            subscriber_id=self.person.id,
            list_id=self.cafe.mailing_list.id,
            provider="gmail",
            handed_at=at or clock.now(),
            settled_at=at or clock.now(),
        )
        self.session.add(made)
        self.session.flush()
        return made

    def told(
        self,
        kind: FeedbackKind,
        mail: Delivery | None,
        *,
        found: ReplyClass | None = None,
        permanent: bool = False,
        at: datetime | None = None,
        proof: Proof = Proof.TOKEN,
        code: int | None = None,
        again: str = "",
        source: str = "smtp",
    ) -> FeedbackEvent | None:
        """Bring what was told of a mail; ``again`` tells it once more in other words, ``source`` is who told it."""
        return consequence.follow(
            self.session,
            Told(
                organisation_id=self.cafe.organisation.id,
                kind=kind,
                source=source,
                external_id=f"{mail.id if mail else 0}:{kind.value}{again}",
                at=at or clock.now(),
                delivery_id=mail.id if mail else None,
                proof=proof,
                verdict=Verdict(found, permanent, "a rule") if found else None,
                code=code,
                reply="550 no",
            ),
        )

    def bounces(
        self, found: ReplyClass, *, permanent: bool = False, at: datetime | None = None, days_on_the_way: int = 0
    ) -> FeedbackEvent:
        """Send her a mail that comes back."""
        moment = at or clock.now()
        mail = self.letter(moment - timedelta(days=days_on_the_way))
        made = self.told(FeedbackKind.BOUNCED, mail, found=found, permanent=permanent, at=moment)
        assert made is not None
        return made
