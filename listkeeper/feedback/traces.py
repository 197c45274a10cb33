"""What all chapters hold of a person beside ``audience``, and how it is forgotten when she is erased."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from listkeeper.audience.proof import kept_copy
from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import conversation, event, inbound, poll, undelivered
from listkeeper.sending import traces


def forgetter(practice_folder: Path) -> Callable[[Session, Subscriber], None]:
    """Return what ``erasure.erase`` calls: what was sent to her, what came back, and what lies in the practice inbox.

    What came in and belongs to nobody yet is searched for her address; what was told of her mails stays a number.
    """
    of_sending = traces.forgetter(practice_folder)

    def forget(session: Session, person: Subscriber) -> None:
        of_sending(session, person)
        poll.forget(session, person.id)
        undelivered.forget(session, person.id)
        event.forget(session, person.id)
        conversation.forget(session, person.id, person.subject_ref)
        kept_copy.forget(session, person.subject_ref)
        inbound.forget_mentions(session, person.organisation_id, person.email_send)

    return forget
