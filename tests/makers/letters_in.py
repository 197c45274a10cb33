"""Mails that people write to us, brought in as the mailroom brings them, past its reader to the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from listkeeper.audience.handover import MessageClass
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation
from listkeeper.feedback import conversation, event
from listkeeper.feedback.event import FeedbackEvent, FeedbackKind, Proof
from listkeeper.feedback.inbound import Arrived, Way
from listkeeper.foundation import clock
from listkeeper.foundation.outbox import Lane
from listkeeper.sending.delivery import Delivery, DeliveryState
from tests.makers.cafe import Cafe

HER = "freja@guest.example"


def written(
    text: str = "When do you open on Sunday?",
    *,
    sender: str = f"Freja <{HER}>",
    subject: str = "Re: Cardamom buns",
    message_id: str = "<1@guest.example>",
    references: str = "",
    more: str = "Content-Type: text/plain; charset=utf-8\r\n",
) -> bytes:
    """Return a mail as it comes in."""
    head = f"From: {sender}\r\nTo: hello@cafe.example\r\nSubject: {subject}\r\n"
    head += f"Message-ID: {message_id}\r\n" if message_id else ""
    head += f"In-Reply-To: {references.rsplit(maxsplit=1)[-1]}\r\nReferences: {references}\r\n" if references else ""
    return (head + more + "\r\n" + text).encode()


@dataclass
class Postbox:
    """Where the café's mail comes in."""

    session: Session
    cafe: Cafe
    count: list[int] = field(default_factory=lambda: [0])

    def letter_to(self, person: Subscriber, subject_of: str = "letter") -> Delivery:
        """Return a mail of ours that she got."""
        self.count[0] += 1
        made = Delivery(
            organisation_id=self.cafe.organisation.id, message_class=MessageClass.MARKETING, lane=Lane.SENDING,
            occasion=f"{subject_of}:{self.count[0]}", state=DeliveryState.ACCEPTED, subscriber_id=person.id,
            list_id=self.cafe.mailing_list.id, handed_at=clock.now(), settled_at=clock.now(),
        )  # fmt: skip
        self.session.add(made)
        self.session.flush()
        return made

    def brings(self, raw: bytes, about: Delivery | None = None, *, at: datetime | None = None) -> Conversation | None:
        """Bring a mail in; ``about`` is the mail of ours that it was proved to answer."""
        self.count[0] += 1
        arrived = Arrived(self.count[0], self.cafe.organisation.id, Way.SMTP, at or clock.now(), raw, "", ())
        made = event.add(
            self.session,
            FeedbackEvent(
                organisation_id=self.cafe.organisation.id, kind=FeedbackKind.REPLIED, source="smtp",
                external_id=f"{arrived.id}:0", at=arrived.received_at,
                delivery_id=about.id if about else None, subscriber_id=about.subscriber_id if about else None,
                proof=Proof.MESSAGE_ID if about else Proof.NONE,
            ),
        )  # fmt: skip
        assert made is not None
        return conversation.receive(self.session, arrived, made)

    def begins(self, raw: bytes, about: Delivery | None = None, *, at: datetime | None = None) -> Conversation:
        """Bring a mail in that is nobody's double."""
        found = self.brings(raw, about, at=at)
        assert found is not None
        return found
