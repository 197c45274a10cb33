"""Brevo: one event in each post, or a list of them where its webhook is batched; behind a password or token of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from listkeeper.deliverability.reply_class import ReplyClass
from listkeeper.feedback import esp_reading as reading
from listkeeper.feedback.esp_event import EspEvent, EventKind

K, R = EventKind, ReplyClass
# Their word, and what it says for good or not where the reason says nothing.
_WORDS: Mapping[str, tuple[EventKind, ReplyClass | None, bool | None]] = {
    "request": (K.QUEUED, None, None),
    "sent": (K.QUEUED, None, None),
    "delivered": (K.DELIVERED, None, None),
    "deferred": (K.DEFERRED, R.TEMPORARY, False),
    "soft_bounce": (K.BOUNCED, R.TEMPORARY, False),
    "hard_bounce": (K.BOUNCED, R.INVALID_ADDRESS, True),
    # Whose address is invalid is told in two ways on two of their pages: the sender's, or the reader's.
    "invalid_email": (K.REJECTED, None, None),
    "invalid": (K.REJECTED, None, None),
    "blocked": (K.REJECTED, None, None),
    "error": (K.FAILED, None, None),
    "spam": (K.COMPLAINED, None, None),
    "complaint": (K.COMPLAINED, None, None),
    "unsubscribed": (K.UNSUBSCRIBED, None, None),
    "unsubscribe": (K.UNSUBSCRIBED, None, None),
    "opened": (K.OPENED, None, None),
    "unique_opened": (K.OPENED, None, None),
    "proxy_open": (K.OPENED, None, None),
    "unique_proxy_open": (K.OPENED, None, None),
    "click": (K.CLICKED, None, None),
}
_REPLIES = frozenset({K.BOUNCED, K.DEFERRED})


def events(value: object) -> Iterator[EspEvent]:
    """Yield the events of a body."""
    batch = reading.members(value).get("events")
    for one in map(reading.members, reading.each(value if batch is None else batch)):
        yield _event(one)


def _event(one: Mapping[str, object]) -> EspEvent:
    theirs = reading.text(one.get("event"))
    kind, hint, for_good = _WORDS.get(theirs, (K.UNKNOWN, None, None))
    said = reading.text(one.get("reason")) if kind in _REPLIES else ""
    return EspEvent(
        kind=kind,
        # ``date`` is in the time zone of the account, and says not which.
        at=reading.moment(one.get("ts_event")) or reading.moment(one.get("ts_epoch")) or reading.moment(one.get("ts")),
        # ``id`` is that of the webhook.
        event_id=reading.event_id("", one),
        recipient=reading.address(one.get("email")),
        message_id=reading.message_id(one.get("message-id")),
        token=reading.text(one.get("X-Mailin-custom"), 320),
        code=reading.code(None, said),
        status=reading.status(None, said),
        text=said,
        word=reading.word(theirs, "" if kind in _REPLIES else one.get("reason")),
        hint=hint,
        permanent_hint=for_good,
        raw=reading.raw(one),
    )
