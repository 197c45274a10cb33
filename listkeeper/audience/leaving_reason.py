"""Why people leave: asked after they have left, answered by who likes to, and tied to nobody.

A row names a list, a reason and a day. No person, no letter and no hour stands
in it, and words that hold an address are sent back to be changed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from listkeeper.audience.mailing_list import MailingList
from listkeeper.foundation import clock, columns, language, throttle
from listkeeper.foundation.columns import UtcDateTime
from listkeeper.foundation.errors import Invalid
from listkeeper.foundation.table import Table

WORDS_LIMIT = 500
# One reader gives one answer, and may mend it once or twice.
_TIMES = 3
_WINDOW = timedelta(days=30)
# An address, also one that was written so that machines do not see it.
_ADDRESS = re.compile(r"\S\s?[@\uff20]\s?\S|[\[({]\s*at\s*[\])}]", re.IGNORECASE)


class Why(StrEnum):
    """What the page offers."""

    TOO_MANY = "too_many"
    NOT_FOR_ME = "not_for_me"
    NEVER_ASKED = "never_asked"
    LOOKS_BAD = "looks_bad"
    OTHER = "other"


def in_words(why: Why) -> str:
    """Say a reason in the words of who leaves."""
    return {
        Why.TOO_MANY: language.text("Too many e-mails"),
        Why.NOT_FOR_ME: language.text("Not interesting for me (any more)"),
        Why.NEVER_ASKED: language.text("I never asked for them"),
        Why.LOOKS_BAD: language.text("They look bad or do not work for me"),
        Why.OTHER: language.text("Something else"),
    }[why]


class LeavingReason(Table):
    """One answer, of nobody in particular."""

    __tablename__ = "leaving_reason"

    id: Mapped[int] = columns.row_id()
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    reason: Mapped[Why] = columns.enum(Why)
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT), default="", server_default="")
    # The day alone: with the minute, the answer could be laid beside the leaving.
    day: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_leaving_reason_list", "list_id", "day"),)


def tell(session: Session, mailing_list: MailingList, reason: Why, words: str, *, letter: str) -> bool:
    """Store an answer; ``letter`` only counts how often one letter's link has answered, and False means too often.

    Raises Invalid when the words hold an address or are too long.
    """
    said = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    if len(said) > WORDS_LIMIT:
        raise Invalid("words_too_long", language.text("Please shorten it to %(limit)s characters.", limit=WORDS_LIMIT))
    if _ADDRESS.search(said):
        raise Invalid(
            "words_hold_address",
            language.text("Please leave e-mail addresses out: nobody shall be able to tell who wrote this."),
        )
    if not throttle.allow(session, "leaving-reason", letter, _TIMES, _WINDOW):
        return False
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    session.add(LeavingReason(list_id=mailing_list.id, reason=reason, words=said, day=today))
    session.flush()
    return True


def counts(session: Session, mailing_list: MailingList) -> dict[Why, int]:
    """Return how often each reason was given for leaving a list."""
    query = select(LeavingReason.reason, func.count()).where(LeavingReason.list_id == mailing_list.id)
    found = {row[0]: row[1] for row in session.execute(query.group_by(LeavingReason.reason))}
    return {reason: found.get(reason, 0) for reason in Why}


def told(session: Session, mailing_list: MailingList, limit: int = 10) -> list[str]:
    """Return what people wrote when they left a list, newest first."""
    query = select(LeavingReason.words).where(LeavingReason.list_id == mailing_list.id, LeavingReason.words != "")
    return list(session.scalars(query.order_by(LeavingReason.id.desc()).limit(limit)))
