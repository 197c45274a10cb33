"""What a provider tells of one mail to one person, in our words: the vocabulary that django-anymail gave the field.

Texts and codes are left as they came: what a receiver's reply means is said by
``deliverability.reply_class`` and by nobody else. A word that no table knows is
``UNKNOWN``, and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from listkeeper.deliverability.reply_class import ReplyClass


class EventKind(StrEnum):
    """What happened to the mail."""

    QUEUED = "queued"
    SENT = "sent"
    # The provider did not even try.
    REJECTED = "rejected"
    # The provider could not.
    FAILED = "failed"
    BOUNCED = "bounced"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    AUTORESPONDED = "autoresponded"
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    UNKNOWN = "unknown"


# What a report of a receiver's says, where it is no complaint (RFC 5965).
REPORTED: Mapping[str, EventKind] = {
    "opt-out": EventKind.UNSUBSCRIBED,
    "not-spam": EventKind.UNKNOWN,
    "auth-failure": EventKind.UNKNOWN,
    "virus": EventKind.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class EspEvent:
    """One event."""

    kind: EventKind
    # When it happened, as they say; None where they do not.
    at: datetime | None
    # At most 100 characters, the same whenever the same event is told again by the same provider.
    event_id: str
    # "" where they do not say.
    recipient: str
    # Ours, without the angle brackets; "" where it did not come back.
    message_id: str
    # An envelope sender or a mark of ours that came back with the event; "" else.
    token: str
    code: int | None
    # The enhanced code, "5.1.1", or "".
    status: str
    # What the receiver said, or "": a provider's own prose is no reply of anybody's.
    text: str
    # Their own word for it, at most 80 characters.
    word: str
    # What their category means, for where text and codes say nothing.
    hint: ReplyClass | None = None
    permanent_hint: bool | None = None
    # What was told of this mail and no other, as JSON: it is kept under the key of whom it is about.
    raw: bytes = b""
