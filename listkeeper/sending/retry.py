"""When to try again: longer and longer waits, with jitter, up to a deadline.

How long the first wait is depends on what was said: a receiver who does not
know us yet means some minutes, a full mailbox means hours. What a whole
receiver asks for is kept elsewhere (``pace``); this is about one message.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from listkeeper.audience.handover import MessageClass
from listkeeper.deliverability import reply_class
from listkeeper.deliverability.reply_class import ReplyClass, Verdict

# In minutes, by the attempt that failed.
_WAITS = (1, 5, 15, 30, 60, 120, 240)
# Whoever comes back too soon begins anew, so never sooner than five minutes (RFC 6647).
_GREYLISTED = (6, 10, 20, 40, 60, 120, 240)
_BY_CLASS = {
    ReplyClass.RATE: (5, 10, 20, 40, 80, 160, 240),
    ReplyClass.MAILBOX_FULL: (60, 120, 240, 480, 480, 480, 480),
    # Nothing that comes back in a minute mends these; the owner may in an hour.
    **dict.fromkeys(reply_class.SENDER_FAULT, (15, 30, 60, 120, 240, 240, 240)),
}
_JITTER = 0.2
# A letter that was tried a few times only is not given up, however long a pause lay in between.
_LEAST_ATTEMPTS = 4


@dataclass(frozen=True)
class Deadlines:
    """For how long a message is tried, counted from its first attempt: ``single`` is every class that is not named."""

    single: timedelta = timedelta(hours=24)
    of_class: Mapping[MessageClass, timedelta] = field(
        default_factory=lambda: {MessageClass.MARKETING: timedelta(hours=72)}
    )

    def of(self, message_class: MessageClass) -> timedelta:
        """Return for how long a message of a class is tried."""
        return self.of_class.get(message_class, self.single)


USUAL = Deadlines()


def next_attempt(
    attempts: int, now: datetime, verdict: Verdict | None = None, draw: random.Random | None = None
) -> datetime:
    """Return when attempt number ``attempts + 1`` is due; ``verdict`` is what was said of the last, if anything was."""
    waits = _WAITS if verdict is None else _BY_CLASS.get(verdict.reply_class, _WAITS)
    if verdict is not None and verdict.rule == reply_class.GREYLISTING:
        waits = _GREYLISTED
    minutes = waits[min(max(attempts, 1), len(waits)) - 1]
    jitter = (draw or random).uniform(1 - _JITTER / 2, 1 + _JITTER)
    return now + timedelta(minutes=minutes * jitter)


def overdue(first_tried_at: datetime | None, attempts: int, now: datetime, deadline: timedelta) -> bool:
    """Return whether a message has been tried for long enough; one that nobody tried yet never has.

    It counts from the first attempt: a letter may wait out a long pause before anybody tries it.
    """
    return first_tried_at is not None and attempts >= _LEAST_ATTEMPTS and now - first_tried_at > deadline
