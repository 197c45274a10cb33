"""What the gate says about a letter to somebody, asked as a worker would."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import permission
from listkeeper.audience.handover import Handover, MessageClass
from listkeeper.audience.mailing_list import MailingList
from listkeeper.audience.permission import Grant
from listkeeper.audience.subscriber import Subscriber

GRANTED = "granted"


def says(session: Session, person: Subscriber, mailing_list: MailingList) -> str:
    """Return ``granted``, or the code of the refusal."""
    session.flush()
    letter = Handover(
        1,
        person.organisation_id,
        MessageClass.MARKETING,
        "t" * 64,
        subscriber_id=person.id,
        list_id=mailing_list.id,
        purpose=mailing_list.purpose,
    )
    said = permission.grant(session, letter)
    return GRANTED if isinstance(said, Grant) else said.code.value
