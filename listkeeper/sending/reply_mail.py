"""Writing an answer to somebody who wrote to us, so that her mail program shows it below what she wrote."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.audience import thread_mail
from listkeeper.audience.subscriber import Subscriber
from listkeeper.audience.thread import Conversation
from listkeeper.audience.thread_mail import Said
from listkeeper.foundation import signing
from listkeeper.foundation.errors import NotFound
from listkeeper.rendering.mails import answer_mail
from listkeeper.sending import house
from listkeeper.sending.delivery import AnyDelivery
from listkeeper.sending.house import Headers, House
from listkeeper.sending.prepared import Prepared


def prepare(session: Session, row: AnyDelivery, ours: House) -> Prepared:
    """Return the message of a delivery of class reply. Raises NotFound when what it says is gone."""
    found = session.get(Conversation, row.notice_id or 0)
    written = thread_mail.of_delivery(session, row.id)
    said = thread_mail.opened(session, found, written) if found is not None and written is not None else None
    if said is None:
        raise NotFound("no_answer", "The answer of this delivery does not exist any more.")
    person = session.get(Subscriber, row.subscriber_id) if row.subscriber_id else None
    filled = answer_mail.compose(
        language_code=person.language if person is not None else ours.language,
        legal_name=ours.sender.legal_name,
        postal_address=ours.sender.postal_address,
        subject=said.subject,
        text=said.text,
    )
    headers = _threaded(said)
    return house.prepared(row, ours, signing.digest(row.occasion), None, lambda _recipient: (filled, headers))


def _threaded(said: Said) -> Headers:
    """Return what puts it below her mail (RFC 5322 section 3.6.4); a person wrote it, so nothing says a machine did."""
    if not said.references:
        return []
    return [("In-Reply-To", said.references[-1]), ("References", " ".join(said.references))]
