"""The link of a question: it names who is asked what and where, asks nothing else, and ends by itself.

Where somebody was asked is part of the purpose, so a link of a letter can
stand for no other door. It needs no row: a person or a question that is gone
leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from listkeeper.audience.profile import How
from listkeeper.audience.profile_question import ProfileQuestion
from listkeeper.audience.subscriber import Subscriber
from listkeeper.foundation import clock, signing

# A letter waits in the mailbox; a page is answered while it is open.
_IN_A_LETTER = timedelta(days=30)
_ON_A_PAGE = timedelta(hours=2)
_NUMBERS = 2


@dataclass(frozen=True)
class Opened:
    """Whom a link is for, what it asks, and where it stood."""

    person: Subscriber
    question: ProfileQuestion
    how: How


def token(subscriber_id: int, question_id: int, how: How) -> str:
    """Return the token of a link that asks one person one question."""
    lasts = _IN_A_LETTER if how is How.LETTER else _ON_A_PAGE
    return signing.passing(_purpose(how), (subscriber_id, question_id), clock.now() + lasts)


def open_(session: Session, text: str) -> Opened | None:
    """Return what a token leads to; None when it is not ours, has ended, or one of the two is gone."""
    for how in How:
        numbers = signing.read_passing(_purpose(how), text, _NUMBERS, clock.now())
        if numbers is not None:
            person, question = session.get(Subscriber, numbers[0]), session.get(ProfileQuestion, numbers[1])
            return Opened(person, question, how) if person is not None and question is not None else None
    return None


def _purpose(how: How) -> str:
    return f"question:{how.value}"
