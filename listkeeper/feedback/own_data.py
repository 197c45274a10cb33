"""What a person takes home, with what came back of her mails: all tables of all chapters that hold rows of hers."""

from __future__ import annotations

from sqlalchemy.orm import Session

from listkeeper.accounts.organisation import Organisation
from listkeeper.audience.subscriber import Subscriber
from listkeeper.feedback import poll
from listkeeper.feedback.event import FeedbackEvent
from listkeeper.feedback.poll import PollAnswer
from listkeeper.feedback.undelivered import UndeliveredRun
from listkeeper.foundation.table import Table
from listkeeper.sending import own_data

FILE_NAME = own_data.FILE_NAME
# A test finds a table that is missing.
HELD: dict[str, type[Table]] = {
    **own_data.HELD, "what_came_back": FeedbackEvent, "failures_in_a_row": UndeliveredRun,
    "answers_to_polls": PollAnswer,
}  # fmt: skip


def pack(session: Session, organisation: Organisation, person: Subscriber, *, site: str) -> bytes:
    """Return the ZIP, in her language; that it was handed out is written down, so it needs a writing transaction."""
    # The rows name polls and answers by their numbers; here they are in the words she was asked in.
    also = {"what_you_answered": poll.of_person(session, person)}
    return own_data.pack(session, organisation, person, site=site, held=HELD, also=also)
