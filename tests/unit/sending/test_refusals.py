"""What a refusal says of a person: nothing when it is about the sender, and it stands in words on the row."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from listkeeper.audience.confirmation import Confirmation
from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.foundation.outbox import Lane
from listkeeper.sending import batch, delivery, planning
from listkeeper.sending.delivery import Delivery, DeliveryState
from listkeeper.sending.handing_over.transport import Deferred, Outcome, Rejected, Reply
from tests.makers import cafe


@pytest.mark.parametrize(
    ("outcome", "provider", "found", "counts"),
    [
        (Rejected(Reply(550, "5.1.1 no such user")), None, ReplyClass.INVALID_ADDRESS, True),
        (Rejected(Reply(550, "5.7.515 Access denied")), "microsoft", ReplyClass.AUTH, False),
        (Rejected(Reply(554, "5.7.1 blocked using zen.spamhaus.org")), "hoster.dk", ReplyClass.REPUTATION, False),
        (Rejected(Reply(0, "the address cannot be said in SMTP")), None, None, False),
        (Deferred(Reply(0, "no connection")), None, None, False),
    ],
)
def test_a_form_is_not_blamed_for_what_is_the_senders_fault(
    session: Session, outcome: Outcome, provider: str | None, found: ReplyClass | None, counts: bool
) -> None:
    house = cafe.found(session)
    asked = cafe.sign_up(session, house, "freja@guest.example")
    planning.mail_confirmation(session, asked.id)
    row = session.scalars(select(Delivery).where(Delivery.lane == Lane.URGENT)).one()
    row.provider = provider
    delivery.move(row, DeliveryState.LEASED)
    delivery.move(row, DeliveryState.HANDED)
    row.worker = "host:1:0"
    batch.record(session, {row.id: outcome}, worker=row.worker)
    session.flush()
    session.expire_all()
    assert session.get_one(Delivery, row.id).reply_class is found
    assert (session.get_one(Confirmation, asked.id).bounced_at is not None) is counts
